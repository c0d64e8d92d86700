#include "daemon/poller.h"

#include <algorithm>
#include <utility>

namespace bpftally {
namespace {

// No walk has less, or whoever asks with no patience would see to it that collectors fail.
constexpr std::chrono::seconds kLeastBudget{1};
// So much more time than a walk had is worth another.
constexpr std::chrono::seconds kMuchMore{1};

// The collectors and whoever waits need a little of the time that is left after the walk.
std::chrono::nanoseconds Reserve(std::chrono::nanoseconds left) {
  return std::min<std::chrono::nanoseconds>(std::chrono::milliseconds(250), left / 4);
}

bool CutShort(const Snapshot& snapshot) {
  return std::ranges::any_of(snapshot.status, [](const KindStatus& status) {
    return !status.complete && status.error && status.error->kind == ErrorKind::kExhausted;
  });
}

}  // namespace

Poller::Poller(std::unique_ptr<SnapshotSource> source, std::unique_ptr<CollectorSet> collectors,
               const Clock& clock, PollerOptions options, Observer observer)
    : source_(std::move(source)),
      collectors_(std::move(collectors)),
      clock_(clock),
      options_(options),
      observer_(std::move(observer)),
      requested_by_(clock_.Now() + options_.tick_budget),  // the look at start
      thread_([this] { Run(); }) {}

Poller::~Poller() {
  Stop();
  thread_.join();
}

void Poller::Stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
}

std::shared_ptr<const PollResult> Poller::Last() const {
  const std::lock_guard lock(mutex_);
  return last_;
}

std::shared_ptr<const PollResult> Poller::Poll(std::chrono::nanoseconds max_age,
                                               std::chrono::steady_clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  if (last_ && !last_->cut_short && clock_.Now() - last_began_ <= max_age) return last_;
  if (!walking_by_ || *walking_by_ + kMuchMore < deadline) Request(deadline);
  const uint64_t before = walks_;
  const auto served = [&] {
    if (stopping_ || walks_ == before) return stopping_;
    return !last_->cut_short || last_->deadline + kMuchMore >= deadline;
  };
  changed_.wait_for(lock, deadline - clock_.Now(), served);
  return walks_ != before ? last_ : NothingKnown();
}

// One walk is for all who ask, by the latest of their deadlines.
void Poller::Request(std::chrono::steady_clock::time_point deadline) {
  deadline = std::max(deadline, clock_.Now() + kLeastBudget);
  requested_by_ = std::max(requested_by_.value_or(deadline), deadline);
  changed_.notify_all();
}

void Poller::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    WaitForWork(lock);
    if (stopping_) return;
    const auto began = clock_.Now();
    const auto deadline = requested_by_.value_or(began + options_.tick_budget);
    requested_by_.reset();
    walking_by_ = deadline;
    lock.unlock();
    auto result = Walk(deadline);
    if (observer_) observer_(*result);
    lock.lock();
    if (!result->cut_short) requested_by_.reset();  // whoever asked meanwhile is served
    last_ = std::move(result);
    last_began_ = began;
    walking_by_.reset();
    ++walks_;
    changed_.notify_all();
  }
}

// Until somebody asks, a tick is due, or the end.
void Poller::WaitForWork(std::unique_lock<std::mutex>& lock) {
  const auto due = [this] { return stopping_ || requested_by_; };
  if (options_.interval == options_.interval.zero()) {
    changed_.wait(lock, due);
    return;
  }
  while (!due()) {
    const auto left = last_began_ + options_.interval - clock_.Now();
    if (left <= left.zero()) return;
    changed_.wait_for(lock, left, due);
  }
}

std::shared_ptr<const PollResult> Poller::Walk(std::chrono::steady_clock::time_point deadline) {
  const auto began = clock_.Now();
  const auto taken = source_->Take(deadline - Reserve(deadline - began));
  const Snapshot& snapshot = *taken;
  auto result = std::make_shared<PollResult>();
  result->deadline = deadline;
  const auto collect_by = deadline - Reserve(deadline - clock_.Now());
  collectors_->Collect(snapshot, result->batch, collect_by);
  result->cut_short = CutShort(snapshot) || clock_.Now() >= collect_by;
  result->kinds = snapshot.status;
  result->objects = {snapshot.programs.size(), snapshot.maps.size(), snapshot.links.size(),
                     snapshot.btf.size()};
  result->features = snapshot.features;
  result->collectors = collectors_->Reports();
  result->duration = clock_.Now() - began;
  return result;
}

std::shared_ptr<const PollResult> Poller::NothingKnown() const {
  auto result = std::make_shared<PollResult>();
  result->cut_short = true;
  result->batch.collected_at_ns = clock_.WallNanoseconds();
  collectors_->CollectNothing(result->batch);
  return result;
}

}  // namespace bpftally
