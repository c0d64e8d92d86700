#pragma once

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

// One poll of the kernel and the metrics made of it; immutable once it is published.
struct PollResult {
  std::shared_ptr<const Snapshot> snapshot = std::make_shared<const Snapshot>();  // never null
  MetricBatch batch = {};
  std::chrono::steady_clock::time_point deadline = {};
  bool cut_short = false;  // the deadline passed first: what is there is right, but not complete
  std::vector<CollectorReport> collectors = {};
  std::chrono::nanoseconds duration{0};
};

struct PollerOptions {
  std::chrono::nanoseconds interval{0};                             // 0: polls only on request
  std::chrono::nanoseconds tick_budget = std::chrono::seconds(10);  // of a poll nobody waits for
};

// Owns the thread that polls the kernel: once at start, after every interval in which nobody asked,
// and whenever somebody asks. However many ask at once, they share one poll.
class Poller {
 public:
  using Observer = std::function<void(const PollResult&)>;

  // `clock` must outlive the poller. `observer` is called on the poller's thread after each poll.
  Poller(std::unique_ptr<SnapshotSource> source, std::unique_ptr<CollectorSet> collectors,
         const Clock& clock, PollerOptions options, Observer observer = {});
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();  // stops; waits for the poll that is under way

  // Returns the last result if it is young enough and complete, else that of the poll under way,
  // else of a new one, which ends by `deadline` too. A poll that was cut short for somebody with
  // much less time is repeated. Where the kernel does not answer in time, the result says of every
  // collector that it failed. Never null; any thread.
  std::shared_ptr<const PollResult> Poll(std::chrono::nanoseconds max_age,
                                         std::chrono::steady_clock::time_point deadline);

  std::shared_ptr<const PollResult> Last() const;  // null before the first; never waits

  void Stop();  // whoever waits is answered at once; no poll begins any more

 private:
  void Run();
  void WaitForWork(std::unique_lock<std::mutex>& lock);
  void Request(std::chrono::steady_clock::time_point deadline);
  std::shared_ptr<const PollResult> PollNow(std::chrono::steady_clock::time_point deadline);
  std::shared_ptr<const PollResult> NothingKnown() const;

  const std::unique_ptr<SnapshotSource> source_;
  const std::unique_ptr<CollectorSet> collectors_;
  const Clock& clock_;
  const PollerOptions options_;
  const Observer observer_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::optional<std::chrono::steady_clock::time_point> requested_by_;  // of the next poll
  std::optional<std::chrono::steady_clock::time_point> polling_by_;    // of the one under way
  uint64_t polls_ = 0;                                                 // finished ones
  std::chrono::steady_clock::time_point last_began_;
  std::shared_ptr<const PollResult> last_;

  std::thread thread_;  // last: it uses all above
};

}  // namespace bpftally
