#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "collect/collector.h"
#include "collect/collector_set.h"
#include "daemon/snapshot_source.h"

namespace bpftally {

// Stands still until it is moved.
class FakeClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override {
    return std::chrono::steady_clock::time_point(now_.load());
  }
  int64_t WallNanoseconds() const override { return now_.load().count(); }
  int64_t BootNanoseconds() const override { return now_.load().count(); }
  void Advance(std::chrono::nanoseconds by) { now_ = now_.load() + by; }

 private:
  std::atomic<std::chrono::nanoseconds> now_{std::chrono::hours(1)};
};

// What a FakeSource does, and what was asked of it; outlives it.
class SourceScript {
 public:
  void Hold() { Set(true); }  // Take waits from now on
  void Release() { Set(false); }

  // Up to and with that take.
  void MakeIncomplete(ErrorKind kind, int last_take = std::numeric_limits<int>::max()) {
    const std::lock_guard lock(mutex_);
    error_ = Error{kind, 0, "a scripted fault"};
    last_incomplete_ = last_take;
  }

  int takes() const {
    const std::lock_guard lock(mutex_);
    return takes_;
  }
  std::chrono::steady_clock::time_point deadline() const {
    const std::lock_guard lock(mutex_);
    return deadline_;
  }

  // False if it takes ten seconds: the test fails, and does not hang.
  bool WaitForTakes(int count) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, std::chrono::seconds(10), [&] { return takes_ >= count; });
  }

  std::shared_ptr<const Snapshot> Take(std::chrono::steady_clock::time_point deadline) {
    std::unique_lock lock(mutex_);
    ++takes_;
    deadline_ = deadline;
    changed_.notify_all();
    changed_.wait(lock, [&] { return !held_; });
    if (takes_ > last_incomplete_) error_.reset();
    auto snapshot = std::make_shared<Snapshot>();
    snapshot->taken_at_ns = takes_;
    for (KindStatus& status : snapshot->status)
      status = {.source = Source::kSyscall, .complete = !error_, .created = {}, .error = error_};
    return snapshot;
  }

 private:
  void Set(bool held) {
    const std::lock_guard lock(mutex_);
    held_ = held;
    changed_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool held_ = false;
  int takes_ = 0;
  int last_incomplete_ = 0;
  std::optional<Error> error_;
  std::chrono::steady_clock::time_point deadline_;
};

class FakeSource final : public SnapshotSource {
 public:
  explicit FakeSource(SourceScript& script) : script_(script) {}
  std::shared_ptr<const Snapshot> Take(std::chrono::steady_clock::time_point deadline) override {
    return script_.Take(deadline);
  }

 private:
  SourceScript& script_;
};

// One gauge that says which take it was made of; fails while the snapshot is incomplete.
class TakeCollector final : public Collector {
 public:
  explicit TakeCollector(std::string_view name) : name_(name) {}
  std::string_view name() const override { return name_; }
  std::string_view help() const override { return "Says which take it was <made> of."; }
  Result<void> Collect(const Snapshot& snapshot, MetricBatch& batch) override {
    MetricFamily& family =
        batch.Add({"take_" + std::string(name_), "Which take.", MetricType::kGauge, ""}, name_);
    family.samples.push_back({nullptr, snapshot.taken_at_ns});
    if (const auto& error = snapshot.status.front().error) return std::unexpected(*error);
    return {};
  }

 private:
  std::string_view name_;
};

inline std::unique_ptr<CollectorSet> TwoCollectors(const Clock& clock) {
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(std::make_unique<TakeCollector>("alpha"));
  collectors.push_back(std::make_unique<TakeCollector>("beta"));
  return std::make_unique<CollectorSet>(std::move(collectors), clock);
}

}  // namespace bpftally
