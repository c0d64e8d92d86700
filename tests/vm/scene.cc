// vm_scene COMMAND…: runs a command, without a shell, while the population's objects are in the
// kernel.

#include <spawn.h>
#include <sys/wait.h>

#include <cstdio>
#include <cstring>

#include "population/population.h"

int main(int count, char** arguments) {
  if (count < 2) {
    std::fprintf(stderr, "vm_scene: no command: vm_scene COMMAND…\n");
    return 2;
  }
  const bpftally::Population population;
  pid_t child = 0;
  const int error = ::posix_spawnp(&child, arguments[1], nullptr, nullptr, arguments + 1, environ);
  if (error != 0) {
    std::fprintf(stderr, "vm_scene: cannot run %s: %s\n", arguments[1], std::strerror(error));
    return 1;
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
