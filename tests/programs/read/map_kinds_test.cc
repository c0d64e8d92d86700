// Tests every type of map on the real kernel: with known content, every line is checked; other maps
// are written to, emptied and filled while they are read.

#include <bpf/bpf.h>
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstring>
#include <map>
#include <set>
#include <thread>

#include "programs/plan/plan.h"
#include "programs/plan/sources.h"
#include "programs/run/table_fixture.h"

namespace bpftally {
namespace {

using std::chrono::seconds;

struct Place {
  uint32_t zone = 0;
  uint32_t area = 0;
};

struct Prefix {
  uint32_t bits = 0;
  std::array<uint8_t, 4> address = {};
};

std::vector<LabelPlan> PlaceLabels() {
  return {{"zone", {0, 4}, {{.name = "uint"}}}, {"area", {4, 4}, {{.name = "uint"}}}};
}

SourcePlan Source(const std::string& map, std::vector<LabelPlan> labels, uint32_t key_size) {
  return CounterOf(map, map, std::move(labels), key_size, "Known.");
}

class MapKindsTest : public TableTest {
 protected:
  void SetUp() override {
    LoaderTest::SetUp();
    if (!IsSkipped()) Prepare();
  }

  void Prepare() {
    ProgramPlan plan = PlanOf("map_kinds");
    for (const char* map : {"in_hash", "in_lru", "in_percpu_hash", "in_percpu_lru", "in_million"})
      plan.sources.push_back(Source(map, PlaceLabels(), 8));
    for (const char* map : {"in_array", "in_mapped", "in_percpu_array"})
      plan.sources.push_back(Source(map, {{"slot", {0, 4}, {{.name = "uint"}}}}, 4));
    plan.sources.push_back(Source(
        "in_trie",
        {{"bits", {0, 4}, {{.name = "uint"}}}, {"address", {4, 4}, {{.name = "inet_ip"}}}}, 8));
    MakeTable({}, {.attach = false});
    loaded_ = AddToTable(std::move(plan));
    ASSERT_NE(loaded_, nullptr);
  }

  int Fd(std::string_view map) const { return loaded_->FindMap(map)->fd; }

  template <typename Key, typename Value>
  void Put(std::string_view map, const Key& key, const Value& value) const {
    ASSERT_EQ(bpf_map_update_elem(Fd(map), &key, &value, BPF_ANY), 0) << std::strerror(errno);
  }

  // Returns a value for each CPU: `first`, and 1 for all others.
  std::vector<uint64_t> OfCpus(uint64_t first) const {
    std::vector<uint64_t> values(cpus_, 1);
    values[0] = first;
    return values;
  }
  void PutCpus(std::string_view map, const auto& key, uint64_t first) const {
    ASSERT_EQ(bpf_map_update_elem(Fd(map), &key, OfCpus(first).data(), BPF_ANY), 0)
        << std::strerror(errno);
  }

  // Returns how many series a family has; fails if one comes twice.
  size_t DistinctSeries(std::string_view name) const {
    const MetricFamily& family = Family(name);
    std::set<std::string> series;
    for (const Sample& sample : family.samples)
      EXPECT_TRUE(series.insert(fmt::format("{}/{}", sample.labels[0], sample.labels[1])).second)
          << name << " has a series twice";
    return series.size();
  }

  const LoadedProgram* loaded_ = nullptr;
};

TEST_F(MapKindsTest, HashMaps) {
  for (const char* map : {"in_hash", "in_lru"}) {
    std::vector<std::string> expected;
    for (uint32_t i = 0; i < 9'000; ++i) {
      Put(map, Place{i % 7, i}, uint64_t{i} * 3);
      expected.push_back(fmt::format("{}{{area=\"{}\",zone=\"{}\"}} {}", map, i, i % 7, i * 3));
    }
    std::ranges::sort(expected);
    ASSERT_TRUE(Collect());
    EXPECT_EQ(Lines(map), expected);
  }
}

TEST_F(MapKindsTest, PerCpuHashMapsAreSummed) {
  for (const char* map : {"in_percpu_hash", "in_percpu_lru"}) {
    std::vector<std::string> expected;
    for (uint32_t i = 0; i < 500; ++i) {
      PutCpus(map, Place{i, 1}, 100 * i);
      expected.push_back(
          fmt::format("{}{{area=\"1\",zone=\"{}\"}} {}", map, i, 100 * i + cpus_ - 1));
    }
    std::ranges::sort(expected);
    ASSERT_TRUE(Collect());
    EXPECT_EQ(Lines(map), expected);
  }
}

TEST_F(MapKindsTest, Arrays) {
  for (const char* map : {"in_array", "in_mapped"}) {
    std::vector<std::string> expected;
    for (uint32_t i = 0; i < 10'000; ++i) {
      if (i % 3 == 0) Put(map, i, uint64_t{i});
      expected.push_back(fmt::format("{}{{slot=\"{}\"}} {}", map, i, i % 3 == 0 ? i : 0));
    }
    std::ranges::sort(expected);
    ASSERT_TRUE(Collect());
    EXPECT_EQ(Lines(map), expected);
  }
}

TEST_F(MapKindsTest, PerCpuArrays) {
  std::vector<std::string> expected;
  for (uint32_t i = 0; i < 100; ++i) {
    PutCpus("in_percpu_array", i, i);
    expected.push_back(fmt::format("in_percpu_array{{slot=\"{}\"}} {}", i, i + cpus_ - 1));
  }
  std::ranges::sort(expected);
  ASSERT_TRUE(Collect());
  EXPECT_EQ(Lines("in_percpu_array"), expected);
}

TEST_F(MapKindsTest, Tries) {
  std::vector<std::string> expected;
  for (uint32_t i = 0; i < 10'000; ++i) {
    const Prefix prefix{32, {10, 1, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}};
    Put("in_trie", prefix, uint64_t{i});
    expected.push_back(
        fmt::format("in_trie{{address=\"10.1.{}.{}\",bits=\"32\"}} {}", i >> 8, i & 255, i));
  }
  std::ranges::sort(expected);
  ASSERT_TRUE(Collect());
  EXPECT_EQ(Lines("in_trie"), expected);
}

// Repeats the work on its own threads while it lives.
template <typename Work>
class Storm {
 public:
  Storm(int threads, Work work) {
    for (int i = 0; i < threads; ++i)
      threads_.emplace_back([this, i, work](const std::stop_token& stop) {
        for (uint64_t round = 0; !stop.stop_requested(); ++round) {
          work(i, round);
          rounds_.fetch_add(1, std::memory_order_relaxed);
        }
      });
  }
  uint64_t rounds() const { return rounds_.load(); }

 private:
  std::atomic<uint64_t> rounds_ = 0;
  std::vector<std::jthread> threads_;
};

TEST_F(MapKindsTest, Fault06HammeredCountersNeverFallAndAreAllThere) {
  constexpr uint32_t kKeys = 1'000;
  for (uint32_t i = 0; i < kKeys; ++i) Put("in_hash", Place{0, i}, uint64_t{0});
  const int fd = Fd("in_hash");
  const Storm storm(2, [fd](int thread, uint64_t round) {
    // Each thread has keys of its own, and only increases counts.
    const Place key{0, static_cast<uint32_t>((round * 2 + static_cast<uint64_t>(thread)) % kKeys)};
    bpf_map_update_elem(fd, &key, &round, BPF_EXIST);
  });
  std::map<std::string, double> last;
  for (int look = 0; look < 50; ++look) {
    ASSERT_TRUE(Collect());
    ASSERT_EQ(DistinctSeries("in_hash"), kKeys);
    for (const Sample& sample : Family("in_hash").samples) {
      double& before = last[std::string(sample.labels[0])];
      ASSERT_GE(std::get<double>(sample.value), before);
      before = std::get<double>(sample.value);
    }
  }
  EXPECT_GT(storm.rounds(), kKeys);
}

TEST_F(MapKindsTest, Fault06KeysThatComeAndGoAreNeverThereTwice) {
  constexpr uint32_t kSteady = 2'000;
  for (uint32_t i = 0; i < kSteady; ++i) {
    Put("in_hash", Place{0, i}, uint64_t{1});
    Put("in_trie", Prefix{32, {10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i)}},
        uint64_t{1});
  }
  const int hash = Fd("in_hash");
  const int trie = Fd("in_trie");
  const auto began = SystemClock().Now();
  const Storm storm(2, [=](int thread, uint64_t round) {
    const auto number = static_cast<uint32_t>(round % 3'000);
    const Place place{static_cast<uint32_t>(thread) + 1, number};
    const Prefix prefix{32,
                        {11, static_cast<uint8_t>(thread), static_cast<uint8_t>(number >> 8),
                         static_cast<uint8_t>(number)}};
    if (round / 3'000 % 2 == 0) {
      bpf_map_update_elem(hash, &place, &round, BPF_ANY);
      bpf_map_update_elem(trie, &prefix, &round, BPF_ANY);
    } else {
      bpf_map_delete_elem(hash, &place);
      bpf_map_delete_elem(trie, &prefix);
    }
  });
  int tries_read = 0;
  while (SystemClock().Now() - began < seconds(3)) {
    const auto look = SystemClock().Now();
    const auto collected = Collect(seconds(5));  // a trie may change too fast, which is an error
    EXPECT_LT(SystemClock().Now() - look, seconds(30));
    EXPECT_GE(DistinctSeries("in_hash"), kSteady);
    tries_read += DistinctSeries("in_trie") >= kSteady ? 1 : 0;
    if (!collected) {
      EXPECT_THAT(collected.error().message, testing::HasSubstr("in_trie"));
    }
  }
  const std::chrono::duration<double> elapsed = SystemClock().Now() - began;
  RecordProperty("keys_changed_per_second",
                 std::to_string(static_cast<double>(2 * storm.rounds()) / elapsed.count()));
  EXPECT_GT(tries_read, 0);
}

TEST_F(MapKindsTest, Fault09AMillionEntries) {
  constexpr uint32_t kEntries = 1'000'000;
  std::vector<Place> keys(kEntries);
  std::vector<uint64_t> values(kEntries);
  for (uint32_t i = 0; i < kEntries; ++i) {
    keys[i] = {i, i};
    values[i] = i;
  }
  uint32_t count = kEntries;
  LIBBPF_OPTS(bpf_map_batch_opts, options);
  ASSERT_EQ(bpf_map_update_batch(Fd("in_million"), keys.data(), values.data(), &count, &options), 0)
      << std::strerror(errno);
  const auto began = SystemClock().Now();
  ASSERT_TRUE(Collect());
  const std::chrono::duration<double> elapsed = SystemClock().Now() - began;
  RecordProperty("seconds", std::to_string(elapsed.count()));
  EXPECT_LT(elapsed, seconds(120));

  // All maps together have more than a million series: the first keep theirs, the others are
  // counted.
  const size_t published = Family("in_million").samples.size();
  EXPECT_EQ(published, kEntries);
  double sum = 0;
  for (const Sample& sample : Family("in_million").samples) sum += std::get<double>(sample.value);
  EXPECT_EQ(sum, 499'999'500'000.0);
  EXPECT_TRUE(Family("in_array").samples.empty());
  double dropped = 0;
  for (const Sample& sample : Family("bpftally_program_series_dropped_total").samples)
    dropped += static_cast<double>(std::get<uint64_t>(sample.value));
  EXPECT_EQ(dropped, 10'000 + 10'000 + 100);
}

TEST_F(MapKindsTest, Fault09ALookThatHasNoTimeEndsSoon) {
  for (uint32_t i = 0; i < 9'000; ++i) Put("in_hash", Place{0, i}, uint64_t{1});
  const auto began = SystemClock().Now();
  const auto collected = Collect(seconds(0));
  ASSERT_FALSE(collected);
  EXPECT_EQ(collected.error().kind, ErrorKind::kExhausted);
  EXPECT_LT(SystemClock().Now() - began, seconds(10));
}

}  // namespace
}  // namespace bpftally
