#pragma once

#include <array>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "collect/collector_set.h"
#include "daemon/snapshot_source.h"
#include "model/metric_batch.h"
#include "model/snapshot.h"

namespace bpftally {

// One look at the kernel and what was made of it; immutable once it is out.
struct PollResult {
  MetricBatch batch;
  std::chrono::steady_clock::time_point deadline = {};
  bool cut_short = false;  // the deadline passed first: what there is, is right, but not all
  std::array<KindStatus, kObjectKinds.size()> kinds = {};
  std::array<size_t, kObjectKinds.size()> objects = {};  // in the snapshot, by kind
  std::vector<Feature> features = {};
  std::vector<CollectorReport> collectors = {};
  std::chrono::nanoseconds duration{0};
};

struct PollerOptions {
  std::chrono::nanoseconds interval{0};                             // 0: no ticks
  std::chrono::nanoseconds tick_budget = std::chrono::seconds(10);  // of a walk nobody waits for
};

// Owns the thread that looks at the kernel: once at start, at every interval in which nobody asked,
// and when somebody asks. One walk however many ask.
class Poller {
 public:
  using Observer = std::function<void(const PollResult&)>;

  // `clock` must outlive the poller. `observer` is called on the poller's thread after each walk.
  Poller(std::unique_ptr<SnapshotSource> source, std::unique_ptr<CollectorSet> collectors,
         const Clock& clock, PollerOptions options, Observer observer = {});
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();  // stops; waits for a walk that is under way

  // The last result if it is young enough and whole, else that of the walk under way, else of a new
  // one, which ends by `deadline` too. A walk that was cut short for somebody with much less time
  // is walked again. Where the kernel does not come back in time, a result that says of every
  // collector that it failed. Never null; any thread.
  std::shared_ptr<const PollResult> Poll(std::chrono::nanoseconds max_age,
                                         std::chrono::steady_clock::time_point deadline);

  std::shared_ptr<const PollResult> Last() const;  // null before the first; never waits for a walk

  void Stop();  // whoever waits is answered at once; no walk begins any more

 private:
  void Run();
  void WaitForWork(std::unique_lock<std::mutex>& lock);
  void Request(std::chrono::steady_clock::time_point deadline);
  std::shared_ptr<const PollResult> Walk(std::chrono::steady_clock::time_point deadline);
  std::shared_ptr<const PollResult> NothingKnown() const;

  const std::unique_ptr<SnapshotSource> source_;
  const std::unique_ptr<CollectorSet> collectors_;
  const Clock& clock_;
  const PollerOptions options_;
  const Observer observer_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::optional<std::chrono::steady_clock::time_point> requested_by_;  // of a walk to begin
  std::optional<std::chrono::steady_clock::time_point> walking_by_;    // of that under way
  uint64_t walks_ = 0;                                                 // finished ones
  std::chrono::steady_clock::time_point last_began_;
  std::shared_ptr<const PollResult> last_;

  std::thread thread_;  // last: it uses all above
};

}  // namespace bpftally
