#include "programs/read/event_reader.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "host/event_waiter.h"
#include "kernel/libbpf_messages.h"
#include "kernel/map_handle.h"
#include "kernel/page_size.h"

namespace bpftally {
namespace {

constexpr std::chrono::milliseconds kLatest{300};
constexpr size_t kMaxBytesPerMap = size_t{64} << 20;
constexpr size_t kMinPages = 8;
// Limit of events from a ring buffer before the other buffers have their turn.
constexpr size_t kEventsPerTurn = 8192;

// Hands each event to all sinks.
class Sinks final : public EventSink {
 public:
  void Add(EventSink& sink) { sinks_.push_back(&sink); }
  void Remove(EventSink& sink) { std::erase(sinks_, &sink); }
  bool empty() const { return sinks_.empty(); }

  void OnEvent(std::span<const std::byte> event) override {
    for (EventSink* sink : sinks_) sink->OnEvent(event);
  }
  void OnLost(uint64_t count) override {
    for (EventSink* sink : sinks_) sink->OnLost(count);
  }

 private:
  std::vector<EventSink*> sinks_;
};

// Buffers of one map: descriptors to wait for, and how to empty them.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  virtual ~Buffer() = default;

  virtual std::vector<int> Descriptors() const = 0;
  // Reads the events of the descriptor at this index.
  virtual void Drain(size_t place) = 0;
};

class PerfBuffers final : public Buffer {
 public:
  static Result<std::unique_ptr<Buffer>> Open(const MapHandle& map, EventSink& sink,
                                              size_t wanted_pages) {
    const LibbpfWarnings warnings;
    perf_buffer* buffers =
        perf_buffer__new(map.fd, Pages(wanted_pages), OnSample, OnLost, &sink, nullptr);
    if (buffers != nullptr) return std::unique_ptr<Buffer>(new PerfBuffers(buffers));
    const int error = errno;
    Error failure = ErrnoError(error, fmt::format("cannot open the perf buffers of map {} [{}]",
                                                  map.name, warnings.Last()));
    if (error == EPERM) failure.message += " (needs CAP_PERFMON; locked memory counts, too)";
    return std::unexpected(std::move(failure));
  }

  std::vector<int> Descriptors() const override {
    std::vector<int> descriptors;
    for (size_t i = 0; i < perf_buffer__buffer_cnt(buffers_.get()); ++i)
      descriptors.push_back(perf_buffer__buffer_fd(buffers_.get(), i));
    return descriptors;
  }

  // Leaves events that come meanwhile for the next time, so that it ends.
  void Drain(size_t place) override { perf_buffer__consume_buffer(buffers_.get(), place); }

 private:
  struct Free {
    void operator()(perf_buffer* buffers) const { perf_buffer__free(buffers); }
  };

  explicit PerfBuffers(perf_buffer* buffers) : buffers_(buffers) {}

  static size_t Pages(size_t wanted) {
    const int cpus = std::max(1, libbpf_num_possible_cpus());
    const size_t room = kMaxBytesPerMap / PageSize() / static_cast<size_t>(cpus);
    return std::bit_floor(std::min(wanted, std::max(room, kMinPages)));
  }

  static void OnSample(void* sink, int, void* data, uint32_t size) {
    static_cast<EventSink*>(sink)->OnEvent({static_cast<const std::byte*>(data), size});
  }
  static void OnLost(void* sink, int, unsigned long long count) {
    static_cast<EventSink*>(sink)->OnLost(count);
  }

  std::unique_ptr<perf_buffer, Free> buffers_;
};

class RingBuffer final : public Buffer {
 public:
  static Result<std::unique_ptr<Buffer>> Open(const MapHandle& map, EventSink& sink) {
    std::unique_ptr<RingBuffer> buffer(new RingBuffer(map.fd, sink));
    buffer->ring_.reset(ring_buffer__new(map.fd, OnSample, buffer.get(), nullptr));
    if (buffer->ring_) return buffer;
    return std::unexpected(
        ErrnoError(errno, fmt::format("cannot open the ring buffer of map {}", map.name)));
  }

  std::vector<int> Descriptors() const override { return {fd_}; }

  void Drain(size_t) override {
    events_ = 0;
    ring_buffer__consume(ring_.get());
  }

 private:
  struct Free {
    void operator()(ring_buffer* ring) const { ring_buffer__free(ring); }
  };

  RingBuffer(int fd, EventSink& sink) : fd_(fd), sink_(sink) {}

  static int OnSample(void* buffer, void* data, size_t size) {
    auto& self = *static_cast<RingBuffer*>(buffer);
    self.sink_.OnEvent({static_cast<const std::byte*>(data), size});
    // libbpf would go on for as long as the program is faster than we are; this event is done.
    return ++self.events_ < kEventsPerTurn ? 0 : -EAGAIN;
  }

  int fd_;
  EventSink& sink_;
  size_t events_ = 0;
  std::unique_ptr<ring_buffer, Free> ring_;
};

// Holds the buffer of one map and all its sinks. A second buffer would take events that the first
// waits for.
struct Subscription {
  Sinks sinks;
  std::unique_ptr<Buffer> buffer;
  uint64_t first_turn = 0;  // the waiter's number for its first descriptor
};

class ThreadedReader final : public EventReader {
 public:
  explicit ThreadedReader(const EventReaderOptions& options) : options_(options) {}

  ~ThreadedReader() override { EndThread(); }

  Result<void> Add(const MapHandle& map, EventSink& sink) override {
    if (!waiter_) {
      auto made = EventWaiter::Make();
      if (!made) return std::unexpected(made.error());
      waiter_.emplace(std::move(*made));
    }
    if (auto added = AddBetweenTurns(map, sink); !added) return added;
    return started_ ? StartThread() : Result<void>();
  }

  void Remove(EventSink& sink) override {
    RemoveBetweenTurns(sink);
    if (subscriptions_.empty()) EndThread();
  }

  Result<void> Start() override {
    started_ = true;
    return subscriptions_.empty() ? Result<void>() : StartThread();
  }

 private:
  struct Turn {
    Buffer* buffer;
    size_t place;
  };

  // Keeps the thread from reading while it lives: the thread waits for its turn, however busy the
  // buffers are.
  class Pause {
   public:
    explicit Pause(ThreadedReader& reader) : reader_(reader) {
      ++reader_.pauses_;
      lock_ = std::unique_lock(reader_.mutex_);
    }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;
    ~Pause() {
      --reader_.pauses_;
      lock_.unlock();
      reader_.resumed_.notify_all();
    }

   private:
    ThreadedReader& reader_;
    std::unique_lock<std::mutex> lock_;
  };

  Result<void> AddBetweenTurns(const MapHandle& map, EventSink& sink) {
    const Pause pause(*this);
    const auto [at, first] = subscriptions_.try_emplace(map.id);
    if (first) {
      if (auto opened = Open(map, at->second); !opened) {
        subscriptions_.erase(at);
        return opened;
      }
    }
    at->second.sinks.Add(sink);
    return {};
  }

  void RemoveBetweenTurns(EventSink& sink) {
    const Pause pause(*this);
    for (auto at = subscriptions_.begin(); at != subscriptions_.end();) {
      Subscription& subscription = (at++)->second;
      subscription.sinks.Remove(sink);
      if (!subscription.sinks.empty()) continue;
      Unwatch(subscription);
      subscriptions_.erase(std::prev(at));
    }
  }

  // Watches all descriptors of a buffer, or none.
  Result<void> Open(const MapHandle& map, Subscription& subscription) {
    auto buffer = map.type == BPF_MAP_TYPE_RINGBUF
                      ? RingBuffer::Open(map, subscription.sinks)
                      : PerfBuffers::Open(map, subscription.sinks, options_.perf_pages);
    if (!buffer) return std::unexpected(buffer.error());
    subscription.buffer = std::move(*buffer);
    subscription.first_turn = next_turn_;
    const std::vector<int> descriptors = subscription.buffer->Descriptors();
    for (size_t place = 0; place < descriptors.size(); ++place) {
      if (auto watched = waiter_->Watch(descriptors[place], next_turn_); !watched) {
        Unwatch(subscription);
        return watched;
      }
      turns_[next_turn_++] = {subscription.buffer.get(), place};
    }
    return {};
  }

  void Unwatch(const Subscription& subscription) {
    uint64_t turn = subscription.first_turn;
    for (const int descriptor : subscription.buffer->Descriptors()) {
      waiter_->Forget(descriptor);
      turns_.erase(turn++);
    }
  }

  Result<void> StartThread() {
    if (thread_.joinable()) return {};
    ending_ = false;
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error& error) {
      return std::unexpected(
          ErrnoError(error.code().value(), "cannot start the thread that reads events"));
    }
    return {};
  }

  void EndThread() {
    if (!thread_.joinable()) return;
    ending_ = true;
    waiter_->Wake();
    thread_.join();
  }

  void Run() {
    using std::chrono::steady_clock;
    auto all_done = steady_clock::now();
    std::array<uint64_t, 64> ready{};
    while (true) {
      const auto turns = waiter_->Wait(kLatest, ready);
      if (ending_) return;
      for (const uint64_t turn : turns) Take(turn);
      // Empties buffers that do not wake us, even while others always do.
      if (steady_clock::now() - all_done < kLatest) continue;
      for (const uint64_t turn : AllTurns()) Take(turn);
      all_done = steady_clock::now();
    }
  }

  // Reads the buffer of that turn if it was not removed meanwhile; numbers are never used again.
  void Take(uint64_t number) {
    std::unique_lock lock(mutex_);
    resumed_.wait(lock, [this] { return pauses_ == 0; });
    const auto turn = turns_.find(number);
    if (turn != turns_.end()) turn->second.buffer->Drain(turn->second.place);
  }

  std::vector<uint64_t> AllTurns() {
    const std::lock_guard lock(mutex_);
    std::vector<uint64_t> numbers;
    for (const auto& [number, turn] : turns_) numbers.push_back(number);
    return numbers;
  }

  const EventReaderOptions options_;
  bool started_ = false;
  std::optional<EventWaiter> waiter_;  // exists after the first Add()
  std::atomic<bool> ending_ = false;

  std::atomic<int> pauses_ = 0;  // number of other threads that want the mutex
  std::condition_variable resumed_;
  std::mutex mutex_;                                // guards all below
  std::map<uint32_t, Subscription> subscriptions_;  // the key is the map's id
  std::map<uint64_t, Turn> turns_;                  // the key is the number that the waiter returns
  uint64_t next_turn_ = 0;

  std::thread thread_;
};

}  // namespace

std::unique_ptr<EventReader> MakeEventReader(const EventReaderOptions& options) {
  return std::make_unique<ThreadedReader>(options);
}

}  // namespace bpftally
