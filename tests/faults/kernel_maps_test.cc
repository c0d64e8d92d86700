// Maps that are hard to read, on the real kernel.

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <fstream>
#include <numeric>
#include <thread>
#include <vector>

#include "host/cpus.h"
#include "kernel/map_handle.h"
#include "population/census_fixture.h"
#include "programs/read/map_reader.h"

namespace bpftally {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

struct Shape {
  bpf_map_type type;
  uint32_t key_size = 4;
  uint32_t value_size = 8;
  uint32_t max_entries = 16;
  uint32_t flags = 0;
};

class KernelMaps : public CensusTest {
 protected:
  void Make(const Shape& shape) {
    LIBBPF_OPTS(bpf_map_create_opts, options, .map_flags = shape.flags);
    fd_.Reset(bpf_map_create(shape.type, "hard_to_read", shape.key_size, shape.value_size,
                             shape.max_entries, &options));
    ASSERT_TRUE(fd_) << "map type " << shape.type << ": " << std::strerror(errno);
    map_ = {.name = "hard_to_read",
            .fd = fd_.get(),
            .type = static_cast<uint32_t>(shape.type),
            .key_size = shape.key_size,
            .value_size = shape.value_size,
            .max_entries = shape.max_entries,
            .flags = shape.flags};
  }

  template <typename Key>
  void Put(const Key& key, const void* value) const {
    ASSERT_EQ(bpf_map_update_elem(fd_.get(), &key, value, BPF_ANY), 0) << std::strerror(errno);
  }

  // Keys 0 to count - 1 of four bytes, in one call.
  void Fill(uint32_t count) const {
    std::vector<uint32_t> keys(count);
    std::iota(keys.begin(), keys.end(), 0U);
    const std::vector<uint64_t> values(count, 1);
    LIBBPF_OPTS(bpf_map_batch_opts, options);
    uint32_t done = count;
    ASSERT_EQ(bpf_map_update_batch(fd_.get(), keys.data(), values.data(), &done, &options), 0)
        << std::strerror(errno);
  }

  Result<void> Read(const MapReader::Sink& sink, seconds patience = seconds(60)) {
    return reader_.Read(map_, SystemClock().Now() + patience, sink);
  }

  // How many entries there are; fails where the reading does.
  size_t CountEntries() {
    size_t count = 0;
    const auto read = Read([&](const Rows& rows) -> Result<void> {
      count += rows.count;
      return {};
    });
    EXPECT_TRUE(read) << read.error().message;
    return count;
  }

  UniqueFd fd_;
  MapHandle map_;
  MapReader reader_{*sys_, SystemClock(), PossibleCpus(*sys_).value_or(1)};
};

constexpr uint32_t Rotate(uint32_t word, int by) { return (word << by) | (word >> (32 - by)); }

// The kernel's jhash2() of one word, without a seed: where a key of four bytes goes.
uint32_t HashOf(uint32_t key) {
  uint32_t a = 0xdeadbeef + (1 << 2);
  uint32_t b = a;
  uint32_t c = a;
  a += key;
  c = (c ^ b) - Rotate(b, 14);
  a = (a ^ c) - Rotate(c, 11);
  b = (b ^ a) - Rotate(a, 25);
  c = (c ^ b) - Rotate(b, 16);
  a = (a ^ c) - Rotate(c, 4);
  b = (b ^ a) - Rotate(a, 14);
  return (c ^ b) - Rotate(b, 24);
}

// The kernel gives a bucket whole or ENOSPC: here one holds more than a first call has room for.
TEST_F(KernelMaps, Fault07ABucketThatDoesNotFitIsReadWithMoreRoom) {
  constexpr uint32_t kBuckets = 8192;
  constexpr uint32_t kEntries = 5000;
  Make({.type = BPF_MAP_TYPE_HASH, .max_entries = kBuckets, .flags = BPF_F_ZERO_SEED});
  const uint64_t value = 1;
  uint32_t made = 0;
  for (uint32_t key = 0; made < kEntries; ++key) {
    if (HashOf(key) % kBuckets != 0) continue;
    Put(key, &value);
    ++made;
  }
  // So it is: no room for one of them less than all.
  std::vector<uint32_t> keys(kEntries);
  std::vector<uint64_t> values(kEntries);
  uint32_t cursor = 0;
  uint32_t room = kEntries - 1;
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  ASSERT_NE(bpf_map_lookup_batch(fd_.get(), nullptr, &cursor, keys.data(), values.data(), &room,
                                 &options),
            0);
  ASSERT_EQ(errno, ENOSPC) << "the keys are not in one bucket";
  EXPECT_EQ(CountEntries(), kEntries);
}

TEST_F(KernelMaps, Fault08ATypeWithoutBatchesIsReadKeyByKey) {
  Make({.type = BPF_MAP_TYPE_DEVMAP_HASH, .value_size = 4});
  const uint32_t loopback = 1;
  for (uint32_t key = 0; key < 10; ++key) Put(key, &loopback);
  uint32_t key = 0, value = 0, room = 1, cursor = 0;
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  ASSERT_NE(bpf_map_lookup_batch(fd_.get(), nullptr, &cursor, &key, &value, &room, &options), 0)
      << "this kernel has batches for it: another type is needed here";
  EXPECT_EQ(CountEntries(), 10U);
  EXPECT_EQ(CountEntries(), 10U);  // it is remembered
}

TEST_F(KernelMaps, Fault08ATypeWithoutKeysIsAnErrorAndNoHang) {
  const auto page = static_cast<uint32_t>(sysconf(_SC_PAGESIZE));
  for (const Shape& shape :
       {Shape{.type = BPF_MAP_TYPE_QUEUE, .key_size = 0},
        Shape{.type = BPF_MAP_TYPE_STACK, .key_size = 0},
        Shape{.type = BPF_MAP_TYPE_RINGBUF, .key_size = 0, .value_size = 0, .max_entries = page}}) {
    Make(shape);
    const auto read = Read([](const Rows&) -> Result<void> { return {}; });
    ASSERT_FALSE(read) << "type " << shape.type;
    EXPECT_NE(read.error().kind, ErrorKind::kExhausted) << read.error().message;
  }
}

size_t ResidentBytes() {
  size_t whole = 0;
  size_t resident = 0;
  std::ifstream("/proc/self/statm") >> whole >> resident;
  return resident * static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// Preallocated: at an insertion the kernel finds no megabyte in a row now and then.
TEST_F(KernelMaps, Fault09EntriesOfAMegabyteComeFewAtATime) {
  constexpr uint32_t kEntries = 64;
  constexpr uint32_t kSize = 1 << 20;
  Make({.type = BPF_MAP_TYPE_HASH, .value_size = kSize, .max_entries = kEntries});
  {
    const std::vector<char> value(kSize, 'x');
    for (uint32_t key = 0; key < kEntries; ++key) Put(key, value.data());
  }
  const size_t before = ResidentBytes();
  size_t most = before;
  size_t count = 0;
  const auto read = Read([&](const Rows& rows) -> Result<void> {
    count += rows.count;
    most = std::max(most, ResidentBytes());
    return {};
  });
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(count, kEntries);
#ifndef BPFTALLY_SANITIZED
  EXPECT_LT(most - before, kEntries * size_t{kSize} / 2);
#endif
}

// Only this CPU for the calling thread, and for those that it starts.
void StayOn(int cpu) {
  cpu_set_t cpus;
  CPU_ZERO(&cpus);
  CPU_SET(cpu, &cpus);
  pthread_setaffinity_np(pthread_self(), sizeof(cpus), &cpus);
}

// How late a thread wakes that wants to each millisecond: the median.
milliseconds MedianLateness() {
  std::vector<std::chrono::nanoseconds> late(301);
  for (auto& by : late) {
    const auto wanted = SystemClock().Now() + milliseconds(1);
    std::this_thread::sleep_until(wanted);
    by = SystemClock().Now() - wanted;
  }
  std::ranges::nth_element(late, late.begin() + 150);
  return std::chrono::duration_cast<milliseconds>(late[150]);
}

// There is no pause between batches: with a share of 5 % of a CPU, a map of millions would never be
// read by a scrape's deadline. What others need is that no single call holds the CPU for long.
TEST_F(KernelMaps, Fault10WhoSharesTheCpuWakesDuringALargeRead) {
  constexpr uint32_t kEntries = 1'000'000;
  Make({.type = BPF_MAP_TYPE_HASH, .max_entries = kEntries});
  Fill(kEntries);
  milliseconds idle{0};
  milliseconds busy{0};
  std::atomic<int> reads = 0;
  // All on one CPU, in threads of their own, as the affinity stays with a thread.
  std::thread([&] {
    StayOn(0);
    idle = MedianLateness();
    std::jthread reader([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) {
        if (CountEntries() == kEntries) ++reads;
      }
    });
    const auto end = SystemClock().Now() + seconds(60);
    while (reads == 0 && SystemClock().Now() < end) std::this_thread::yield();
    busy = MedianLateness();
  }).join();
  EXPECT_GT(reads, 0);
  RecordProperty("median_lateness_ms_idle", static_cast<int>(idle.count()));
  RecordProperty("median_lateness_ms_busy", static_cast<int>(busy.count()));
  // A reading in one call would be some hundred milliseconds.
  EXPECT_LT(busy, 10 * idle + milliseconds(25));
}

}  // namespace
}  // namespace bpftally
