#pragma once

// Runs the one thread that changes what runs. A request for a change (SIGHUP, or one over HTTP) is
// put into the queue; changes are made one after another, in their order.

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
  // Reads the configuration again and makes it run; returns what has changed, for the log.
  using Reloader = std::function<Result<std::string>()>;

  // Begins with the configuration that was read at the start. `clock` must outlive this.
  explicit Control(const Clock& clock);
  Control(const Control&) = delete;
  Control& operator=(const Control&) = delete;
  ~Control();  // ends the thread; requests that still wait are refused

  // Frees what a change has left over; returns true if some of it could not be freed yet.
  using Tidy = std::function<bool()>;

  // Starts the thread. Called once, after capabilities are dropped: the thread has those of its
  // maker. The thread calls `tidy` after each change, and again until it has freed all.
  Result<void> Start(Reloader reload, Tidy tidy);

  // Methods for any thread.

  void RequestReload();   // returns at once
  Result<void> Reload();  // waits; an error says why what ran before still runs
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
  std::deque<std::shared_ptr<Done>> reloads_;  // requested, but not yet done
  bool ending_ = false;
  ReloadStatus status_;

  std::thread thread_;  // last: it uses all above
};

// Makes the two families by which Prometheus reports how its latest reload went, under our names.
std::unique_ptr<Collector> MakeReloadCollector(std::function<ReloadStatus()> status);

}  // namespace bpftally
