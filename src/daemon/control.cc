#include "daemon/control.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <ranges>
#include <string_view>
#include <system_error>
#include <utility>

#include "daemon/service_manager.h"

namespace bpftally {
namespace {

Error Ending() { return {ErrorKind::kInternal, 0, "bpftally is ending: nothing is reloaded"}; }

// Logs each finding on a line of its own.
void LogError(std::string_view message) {
  for (const auto line : std::views::split(message, '\n'))
    spdlog::error("{}", std::string_view(line.begin(), line.end()));
}

class ReloadCollector final : public Collector {
 public:
  explicit ReloadCollector(std::function<ReloadStatus()> status) : status_(std::move(status)) {}

  std::string_view name() const override { return "reload"; }
  std::string_view help() const override { return "How the latest reload went."; }

  Result<void> Collect(const CensusView&, MetricBatch& batch) override {
    constexpr double kSecond = 1e9;
    const ReloadStatus status = status_();
    Add(batch, "bpftally_config_last_reload_successful",
        "1: the configuration that was read last is what runs; 0: its reload failed, and what ran "
        "before still runs.",
        "", uint64_t{!status.attempted || status.successful ? 1U : 0U});
    Add(batch, "bpftally_config_last_reload_success_timestamp_seconds",
        "When the configuration was read and made to run last, seconds since the epoch.", "s",
        static_cast<double>(status.succeeded_at_ns) / kSecond);
    return {};
  }

 private:
  void Add(MetricBatch& batch, std::string name, std::string help, std::string unit,
           Number value) const {
    batch.Add({std::move(name), std::move(help), MetricType::kGauge, std::move(unit), {}}, "reload")
        .samples.push_back({batch.Labels({}), value});
  }

  const std::function<ReloadStatus()> status_;
};

}  // namespace

Control::Control(const Clock& clock)
    : clock_(clock), status_{.succeeded_at_ns = clock.WallNanoseconds(), .message = {}} {}

Control::~Control() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    changed_.notify_all();
  }
  if (thread_.joinable()) thread_.join();
  for (const auto& done : reloads_) done->set_value(std::unexpected(Ending()));
}

Result<void> Control::Start(Reloader reload, Tidy tidy) {
  reload_ = std::move(reload);
  tidy_ = std::move(tidy);
  try {
    thread_ = std::thread([this] { Run(); });
  } catch (const std::system_error& error) {
    return std::unexpected(
        ErrnoError(error.code().value(), "cannot start the thread that reloads"));
  }
  return {};
}

void Control::RequestReload() { Enqueue(std::make_shared<Done>()); }

Result<void> Control::Reload() {
  const auto done = std::make_shared<Done>();
  auto result = done->get_future();
  Enqueue(done);
  return result.get();
}

ReloadStatus Control::status() const {
  const std::lock_guard lock(mutex_);
  return status_;
}

void Control::Enqueue(std::shared_ptr<Done> done) {
  const std::lock_guard lock(mutex_);
  if (ending_) {
    done->set_value(std::unexpected(Ending()));
  } else {
    reloads_.push_back(std::move(done));
    changed_.notify_all();
  }
}

void Control::Run() {
  constexpr std::chrono::milliseconds kTidyAgain{50};
  bool untidy = false;
  std::unique_lock lock(mutex_);
  while (true) {
    const auto wanted = [this] { return ending_ || !reloads_.empty(); };
    if (untidy)
      changed_.wait_for(lock, kTidyAgain, wanted);
    else
      changed_.wait(lock, wanted);
    if (ending_) return;
    std::shared_ptr<Done> done;
    if (!reloads_.empty()) {
      done = std::move(reloads_.front());
      reloads_.pop_front();
    }
    lock.unlock();
    if (done != nullptr) done->set_value(ReloadNow());
    untidy = tidy_();
    lock.lock();
  }
}

Result<void> Control::ReloadNow() {
  NotifyServiceManager(fmt::format("RELOADING=1\nMONOTONIC_USEC={}",
                                   clock_.Now().time_since_epoch() / std::chrono::microseconds(1)));
  const Result<std::string> reloaded = reload_();
  {
    const std::lock_guard lock(mutex_);
    status_.attempted = true;
    status_.successful = reloaded.has_value();
    status_.at_ns = clock_.WallNanoseconds();
    status_.message = reloaded ? "" : reloaded.error().message;
    if (reloaded) status_.succeeded_at_ns = status_.at_ns;
  }
  NotifyServiceManager("READY=1");
  if (reloaded) {
    spdlog::info("reloaded: {}", *reloaded);
    return {};
  }
  LogError(reloaded.error().message);
  spdlog::error("not reloaded: what ran before still runs");
  return std::unexpected(reloaded.error());
}

std::unique_ptr<Collector> MakeReloadCollector(std::function<ReloadStatus()> status) {
  return std::make_unique<ReloadCollector>(std::move(status));
}

}  // namespace bpftally
