#include "population/child.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace bpftally {

Child::Child(const std::function<void()>& work) : pid_(::fork()) {
  if (pid_ != 0) return;
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  work();
  ::_exit(0);
}

void Child::Signal() const {
  if (pid_ > 0) ::kill(pid_, SIGKILL);
}

void Child::Kill() {
  if (pid_ <= 0) return;
  Signal();
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
}

}  // namespace bpftally
