#pragma once

#include <chrono>
#include <functional>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/unique_fd.h"
#include "model/snapshot.h"

namespace bpftally {

class BpfSys;

// The pass that a walk is part of.
struct Pass {
  BpfSys& sys;
  const Clock& clock;
  std::chrono::steady_clock::time_point deadline;
  int64_t boot_to_wall_ns = 0;
  bool may_open =
      false;  // objects can be opened by id here (CAP_SYS_ADMIN), for what nothing else gives

  Result<void> CheckDeadline() const;
};

// Keeps the first of several errors.
class FirstError {
 public:
  void Note(Result<void> result) {
    if (result_ && !result) result_ = std::move(result);
  }
  const Result<void>& result() const { return result_; }

 private:
  Result<void> result_;
};

// Lists one kind's ids, ascending, without opening anything.
Result<void> WalkIds(const Pass& pass, ObjectKind kind,
                     const std::function<Result<void>(uint32_t id)>& visit);

// Does the same, with each object open during its visit. An object that is gone by then, or goes
// during the visit (ErrorKind::kVanished), is counted in `vanished`. One that cannot be read for
// another reason does not end the walk either: the first such error is returned at the end.
Result<void> WalkObjects(const Pass& pass, ObjectKind kind, uint64_t& vanished,
                         const std::function<Result<void>(uint32_t id, int fd)>& visit);

// Drops from a cache by id what is not in the list of a whole walk. Skipped while the cache
// has no more entries than there are objects.
template <typename Cache, typename Info>
void ForgetDead(Cache& cache, const std::vector<Info>& alive) {
  if (cache.size() <= alive.size()) return;
  std::unordered_set<uint32_t> ids;
  for (const Info& info : alive) ids.insert(info.id);
  std::erase_if(cache, [&](const auto& entry) { return !ids.contains(entry.first); });
}

}  // namespace bpftally
