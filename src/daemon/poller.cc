#include "daemon/poller.h"

#include <algorithm>
#include <utility>

namespace bpftally {
namespace {

// Minimum budget of a poll: a client with a tiny timeout must not make collectors fail for
// everybody.
constexpr std::chrono::seconds kLeastBudget{1};
// Whoever has this much more time than a poll that was cut short gets another one.
constexpr std::chrono::seconds kMuchMore{1};

// Time kept back from the deadline, for what comes after the step that takes the rest.
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
      requested_by_(clock_.Now() + options_.tick_budget),  // the poll at start
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
  if (!polling_by_ || *polling_by_ + kMuchMore < deadline) Request(deadline);
  const uint64_t before = polls_;
  const auto served = [&] {
    if (stopping_ || polls_ == before) return stopping_;
    return !last_->cut_short || last_->deadline + kMuchMore >= deadline;
  };
  changed_.wait_for(lock, deadline - clock_.Now(), served);
  return polls_ != before ? last_ : NothingKnown();
}

// One poll serves all requests, by the latest of their deadlines.
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
    polling_by_ = deadline;
    lock.unlock();
    auto result = PollNow(deadline);
    if (observer_) observer_(*result);
    lock.lock();
    if (!result->cut_short) requested_by_.reset();  // requests that came meanwhile are served by it
    last_ = std::move(result);
    last_began_ = began;
    polling_by_.reset();
    ++polls_;
    changed_.notify_all();
  }
}

// Returns when somebody asks, when a tick is due, or at the end.
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

std::shared_ptr<const PollResult> Poller::PollNow(std::chrono::steady_clock::time_point deadline) {
  const auto began = clock_.Now();
  auto result = std::make_shared<PollResult>();
  result->snapshot = source_->Take(deadline - Reserve(deadline - began));
  result->deadline = deadline;
  const auto collect_by = deadline - Reserve(deadline - clock_.Now());
  collectors_->Collect(*result->snapshot, result->batch, collect_by);
  result->cut_short = CutShort(*result->snapshot) || clock_.Now() >= collect_by;
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
