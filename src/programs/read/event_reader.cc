#include "programs/read/event_reader.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cerrno>
#include <map>
#include <thread>
#include <vector>

#include "base/unique_fd.h"
#include "kernel/libbpf_messages.h"
#include "kernel/map_handle.h"

namespace bpftally {
namespace {

constexpr std::chrono::milliseconds kLatest{300};
constexpr size_t kMaxBytesPerMap = size_t{64} << 20;
constexpr size_t kMinPages = 8;
// Of a ring buffer, before the others have their turn.
constexpr size_t kEventsPerTurn = 8192;

// Hands what comes to all that want it.
class Sinks final : public EventSink {
 public:
  void Add(EventSink& sink) { sinks_.push_back(&sink); }

  void OnEvent(std::span<const std::byte> event) override {
    for (EventSink* sink : sinks_) sink->OnEvent(event);
  }
  void OnLost(uint64_t count) override {
    for (EventSink* sink : sinks_) sink->OnLost(count);
  }

 private:
  std::vector<EventSink*> sinks_;
};

// One descriptor to wait for, and what to do then.
class Buffer {
 public:
  Buffer() = default;
  Buffer(const Buffer&) = delete;
  Buffer& operator=(const Buffer&) = delete;
  virtual ~Buffer() = default;

  virtual std::vector<int> Descriptors() const = 0;
  // Of the descriptor at that place.
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

  // What comes meanwhile is left for the next time: this ends.
  void Drain(size_t place) override { perf_buffer__consume_buffer(buffers_.get(), place); }

 private:
  struct Free {
    void operator()(perf_buffer* buffers) const { perf_buffer__free(buffers); }
  };

  explicit PerfBuffers(perf_buffer* buffers) : buffers_(buffers) {}

  static size_t Pages(size_t wanted) {
    const int cpus = std::max(1, libbpf_num_possible_cpus());
    const size_t page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t room = kMaxBytesPerMap / page / static_cast<size_t>(cpus);
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
    // libbpf would go on for as long as the program is faster than we; this event is done.
    return ++self.events_ < kEventsPerTurn ? 0 : -EAGAIN;
  }

  int fd_;
  EventSink& sink_;
  size_t events_ = 0;
  std::unique_ptr<ring_buffer, Free> ring_;
};

class ThreadedReader final : public EventReader {
 public:
  static Result<std::unique_ptr<EventReader>> Make(const EventReaderOptions& options) {
    std::unique_ptr<ThreadedReader> reader(new ThreadedReader(options));
    reader->wait_.Reset(::epoll_create1(EPOLL_CLOEXEC));
    reader->end_.Reset(::eventfd(0, EFD_CLOEXEC));
    if (!reader->wait_ || !reader->end_)
      return std::unexpected(ErrnoError(errno, "cannot wait for events"));
    if (auto watched = reader->Watch(reader->end_.get(), kEnd); !watched)
      return std::unexpected(watched.error());
    return reader;
  }

  ~ThreadedReader() override {
    if (!thread_.joinable()) return;
    ::eventfd_write(end_.get(), 1);
    thread_.join();
  }

  // One buffer for all who want a map's events: a second would take what the first waits for.
  Result<void> Add(const MapHandle& map, EventSink& sink) override {
    const auto [sinks, first] = sinks_.try_emplace(map.id);
    if (first) {
      if (auto opened = Open(map, sinks->second); !opened) {
        sinks_.erase(sinks);
        return opened;
      }
    }
    sinks->second.Add(sink);
    return {};
  }

  Result<void> Start() override {
    if (turns_.empty()) return {};
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error& error) {
      return std::unexpected(
          ErrnoError(error.code().value(), "cannot start the thread that reads events"));
    }
    return {};
  }

 private:
  static constexpr uint64_t kEnd = UINT64_MAX;

  struct Turn {
    Buffer* buffer;
    size_t place;
  };

  explicit ThreadedReader(const EventReaderOptions& options) : options_(options) {}

  // All of it or nothing.
  Result<void> Open(const MapHandle& map, EventSink& sink) {
    auto buffer = map.type == BPF_MAP_TYPE_RINGBUF
                      ? RingBuffer::Open(map, sink)
                      : PerfBuffers::Open(map, sink, options_.perf_pages);
    if (!buffer) return std::unexpected(buffer.error());
    const std::vector<int> descriptors = (*buffer)->Descriptors();
    for (size_t place = 0; place < descriptors.size(); ++place) {
      if (auto watched = Watch(descriptors[place], turns_.size() + place); !watched) return watched;
    }
    for (size_t place = 0; place < descriptors.size(); ++place)
      turns_.push_back({buffer->get(), place});
    buffers_.push_back(std::move(*buffer));
    return {};
  }

  Result<void> Watch(int fd, uint64_t turn) {
    epoll_event event{.events = EPOLLIN, .data = {.u64 = turn}};
    if (::epoll_ctl(wait_.get(), EPOLL_CTL_ADD, fd, &event) == 0) return {};
    return std::unexpected(ErrnoError(errno, "cannot wait for events"));
  }

  void Run() {
    using std::chrono::steady_clock;
    auto all_done = steady_clock::now();
    std::array<epoll_event, 64> ready{};
    while (true) {
      const int count =
          ::epoll_wait(wait_.get(), ready.data(), ready.size(), static_cast<int>(kLatest.count()));
      for (int i = 0; i < count; ++i) {
        const uint64_t turn = ready[static_cast<size_t>(i)].data.u64;
        if (turn == kEnd) return;
        turns_[turn].buffer->Drain(turns_[turn].place);
      }
      // Those that do not wake us, also while others always do.
      if (steady_clock::now() - all_done < kLatest) continue;
      for (const Turn& turn : turns_) turn.buffer->Drain(turn.place);
      all_done = steady_clock::now();
    }
  }

  EventReaderOptions options_;
  UniqueFd wait_;
  UniqueFd end_;
  std::map<uint32_t, Sinks> sinks_;  // by the map's id
  std::vector<std::unique_ptr<Buffer>> buffers_;
  std::vector<Turn> turns_;  // by the number that epoll gives back
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<EventReader>> MakeEventReader(const EventReaderOptions& options) {
  return ThreadedReader::Make(options);
}

}  // namespace bpftally
