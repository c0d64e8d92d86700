#pragma once

// The one thread that changes what runs. Whoever wants a change (SIGHUP, a request over HTTP)
// leaves it in the queue; changes are made one after another, in their order.

#include <condition_variable>
#include <deque>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/clock.h"
#include "base/error.h"
#include "collect/collector.h"
#include "daemon/reload_status.h"

namespace bpftally {

class Control {
 public:
  // Reads the configuration again and makes it run; says what has changed, for the log.
  using Reloader = std::function<Result<std::string>()>;

  // The configuration that was read at the start runs. `clock` must outlive this.
  explicit Control(const Clock& clock);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
  ~Control();  // ends the thread; what still waits is not done

  // Frees what a change has left over; true: not all of it could be freed yet.
  using Tidy = std::function<bool()>;

  // Once, after capabilities are dropped: the thread has those that its maker has. `tidy` is called
  // on it after each change, and again until it has freed all.
  Result<void> Start(Reloader reload, Tidy tidy);

  // Any thread.

  void RequestReload();   // does not wait for it
  Result<void> Reload();  // an error: what ran before still runs, and why
  ReloadStatus status() const;

 private:
  using Done = std::promise<Result<void>>;

  void Run();
  Result<void> ReloadNow();
  void Enqueue(std::shared_ptr<Done> done);

  const Clock& clock_;
  Reloader reload_;
  Tidy tidy_;

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::shared_ptr<Done>> reloads_;  // that somebody asked for
  bool ending_ = false;
  ReloadStatus status_;

  std::thread thread_;  // last: it uses all above
};

// The two families by which Prometheus tells how its latest reload went, as ours.
std::unique_ptr<Collector> MakeReloadCollector(std::function<ReloadStatus()> status);

}  // namespace bpftally
