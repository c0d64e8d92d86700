#include "census/walk.h"

#include <cerrno>

#include "kernel/bpf_sys.h"

namespace bpftally {

Result<void> Pass::CheckDeadline() const {
  if (clock.Now() < deadline) return {};
  return std::unexpected(
      Error{ErrorKind::kExhausted, ETIMEDOUT, "the time given for this collection ran out"});
}

Result<void> WalkIds(const Pass& pass, ObjectKind kind,
                     const std::function<Result<void>(uint32_t id)>& visit) {
  constexpr uint32_t kCheckEvery = 64;
  uint32_t id = 0;
  for (uint32_t step = 0;; ++step) {
    if (step % kCheckEvery == 0) {
      if (auto in_time = pass.CheckDeadline(); !in_time) return in_time;
    }
    const auto next = pass.sys.NextId(kind, id);
    if (!next) return std::unexpected(next.error());
    // Ids only go up within a walk; a kernel that answered otherwise would keep us here for ever.
    if (!next->has_value() || **next <= id) return {};
    id = **next;
    if (auto visited = visit(id); !visited) return visited;
  }
}

Result<void> WalkObjects(const Pass& pass, ObjectKind kind, uint64_t& vanished,
                         const std::function<Result<void>(uint32_t id, int fd)>& visit) {
  FirstError errors;
  auto walked = WalkIds(pass, kind, [&](uint32_t id) -> Result<void> {
    const auto fd = pass.sys.OpenById(kind, id);
    auto visited = fd ? visit(id, fd->get()) : Result<void>(std::unexpected(fd.error()));
    if (!visited && visited.error().kind == ErrorKind::kVanished) {
      ++vanished;
    } else {
      errors.Note(std::move(visited));
    }
    return {};
  });
  errors.Note(std::move(walked));
  return errors.result();
}

}  // namespace bpftally
