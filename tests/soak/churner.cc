// soak_churner: makes about a hundred maps, programs and links a second and drops them, until
// SIGTERM. Never more than a handful are alive: of some kernels, a crowd freed at once takes all
// workers. Fails where the kernel keeps one that nobody should hold.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>
#include <ctime>
#include <vector>

#include "population/plain_objects.h"

namespace bpftally {
namespace {

constexpr int kMapsEachRound = 8;
constexpr timespec kRound{.tv_sec = 0, .tv_nsec = 100'000'000};

struct Object {
  ObjectKind kind;
  UniqueFd fd;
};

std::vector<Object> MakeSome(int iterator_program) {
  std::vector<Object> made;
  for (int i = 0; i < kMapsEachRound; ++i) made.push_back({ObjectKind::kMap, PlainMap()});
  made.push_back({ObjectKind::kProgram, PlainProgram(BPF_PROG_TYPE_SOCKET_FILTER)});
  made.push_back({ObjectKind::kLink, IteratorLink(iterator_program)});
  return made;
}

bool DropAll(std::vector<Object> objects) {
  for (Object& object : objects) {
    if (!object.fd) {
      std::perror("churner: the kernel refused an object");
      return false;
    }
    const uint32_t id = IdOf(object.kind, object.fd.get());
    object.fd = UniqueFd();
    if (IsGoneSoon(object.kind, id)) continue;
    std::fprintf(stderr, "churner: the object of kind %d with id %u stays: somebody holds it\n",
                 static_cast<int>(object.kind), id);
    return false;
  }
  return true;
}

// True when SIGTERM came.
bool WaitForNextRound(const sigset_t& end) { return sigtimedwait(&end, nullptr, &kRound) > 0; }

int Churn() {
  sigset_t end;
  sigemptyset(&end);
  sigaddset(&end, SIGTERM);
  sigprocmask(SIG_BLOCK, &end, nullptr);
  const UniqueFd iterator_program = IteratorProgram();
  if (!iterator_program) {
    std::perror("churner: the kernel refused an iterator program");
    return 1;
  }
  size_t made = 0;
  do {
    std::vector<Object> some = MakeSome(iterator_program.get());
    made += some.size();
    if (!DropAll(std::move(some))) return 1;
  } while (!WaitForNextRound(end));
  std::printf("%zu\n", made);
  return 0;
}

}  // namespace
}  // namespace bpftally

int main() { return bpftally::Churn(); }
