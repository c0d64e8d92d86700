#include "programs/read/event_reader.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <map>
#include <mutex>
#include <span>
#include <thread>

#include "base/own_process.h"
#include "programs/load/loader_fixture.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using std::chrono::steady_clock;

constexpr size_t kEventBytes = 56;

struct EventCounts {
  std::map<uint32_t, uint64_t> series;  // the key is the number at the start of the event
  uint64_t lost = 0;
};

// Counts what a reader hands over.
class EventCounter final : public EventSink {
 public:
  void OnEvent(std::span<const std::byte> event) override {
    uint32_t third = 0;
    std::memcpy(&third, event.data(), sizeof third);
    const std::scoped_lock lock(mutex_);
    ++counts_.series[third];
  }
  void OnLost(uint64_t count) override {
    const std::scoped_lock lock(mutex_);
    counts_.lost += count;
  }
  EventCounts Counts() {
    const std::scoped_lock lock(mutex_);
    return counts_;
  }

 private:
  std::mutex mutex_;
  EventCounts counts_;
};

uint64_t SumOf(const EventCounts& counts) {
  uint64_t sum = 0;
  for (const auto& [third, count] : counts.series) sum += count;
  return sum;
}

class EventReaderTest : public LoaderTest {
 protected:
  void SetUp() override {
    LoaderTest::SetUp();
    if (IsSkipped()) return;
    program_ = Load("event_source");
    ASSERT_TRUE(program_);
    SetAt(*program_, "wanted_process", 0, static_cast<uint32_t>(::getpid()));
  }

  static std::unique_ptr<EventReader> Reader(const EventReaderOptions& options = {}) {
    return MakeEventReader(options);
  }

  void Add(EventReader& reader, const char* map, EventSink& sink) {
    ASSERT_NE(program_->FindMap(map), nullptr) << map;
    const auto added = reader.Add(*program_->FindMap(map), sink);
    ASSERT_TRUE(added) << added.error().message;
  }

  static void Call(int times) {
    for (int i = 0; i < times; ++i) ::getppid();
  }

  // Waits until every event is received or reported as lost.
  static bool WaitFor(EventCounter& counter, uint64_t events, seconds patience = seconds(20)) {
    const auto give_up = steady_clock::now() + patience;
    while (steady_clock::now() < give_up) {
      const EventCounts counts = counter.Counts();
      if (SumOf(counts) + counts.lost >= events) return true;
      std::this_thread::yield();
    }
    return false;
  }

  std::unique_ptr<LoadedProgram> program_;  // outlives the readers
};

TEST_F(EventReaderTest, EveryEventOfEveryKindOfBufferIsCountedOnce) {
  EventCounter perf;
  EventCounter ring;
  EventCounter quiet;
  const auto reader = Reader();
  ASSERT_TRUE(reader);
  Add(*reader, "calls_by_perf", perf);
  Add(*reader, "calls_by_ring", ring);
  Add(*reader, "calls_by_quiet_ring", quiet);
  ASSERT_TRUE(reader->Start());
  Call(30'000);
  for (EventCounter* counter : {&perf, &ring, &quiet}) {
    EXPECT_TRUE(WaitFor(*counter, 30'000));
    const EventCounts counts = counter->Counts();
    EXPECT_EQ(counts.lost, 0u);
    ASSERT_EQ(counts.series.size(), 3u);
    for (const auto& [third, count] : counts.series) EXPECT_EQ(count, 10'000u) << third;
  }
}

TEST_F(EventReaderTest, AllWhoWantTheEventsOfABufferGetEachOfThem) {
  EventCounter perf;
  EventCounter second_of_perf;
  EventCounter ring;
  EventCounter second_of_ring;
  const auto reader = Reader();
  ASSERT_TRUE(reader);
  Add(*reader, "calls_by_perf", perf);
  Add(*reader, "calls_by_ring", ring);
  Add(*reader, "calls_by_ring", second_of_ring);
  Add(*reader, "calls_by_perf", second_of_perf);
  ASSERT_TRUE(reader->Start());
  Call(300);
  for (EventCounter* counter : {&perf, &second_of_perf, &ring, &second_of_ring}) {
    EXPECT_TRUE(WaitFor(*counter, 300, seconds(5)));
    EXPECT_EQ(SumOf(counter->Counts()), 300u);
  }
}

TEST_F(EventReaderTest, EventsBeforeTheStartWaitInTheBuffer) {
  EventCounter perf;
  EventCounter ring;
  const auto reader = Reader();
  ASSERT_TRUE(reader);
  Add(*reader, "calls_by_perf", perf);
  Add(*reader, "calls_by_ring", ring);
  Call(300);
  EXPECT_EQ(SumOf(perf.Counts()), 0u);
  ASSERT_TRUE(reader->Start());
  EXPECT_TRUE(WaitFor(perf, 300));
  EXPECT_TRUE(WaitFor(ring, 300));
  EXPECT_EQ(SumOf(perf.Counts()), 300u);
}

TEST_F(EventReaderTest, WhatTheBufferHadNoRoomForIsCountedAsLost) {
  EventCounter perf;
  const auto reader = Reader({.perf_pages = 1});
  ASSERT_TRUE(reader);
  Add(*reader, "calls_by_perf", perf);
  uint64_t calls = 1000;
  // All calls run on one CPU, so that one buffer overflows and reports it.
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(::sched_getcpu(), &one);
  std::thread([&] {
    ASSERT_EQ(::sched_setaffinity(0, sizeof one, &one), 0);
    Call(1000);
    EXPECT_TRUE(reader->Start());
    while (SumOf(perf.Counts()) == 0) std::this_thread::yield();
    // The kernel reports losses with the next event for which it has room.
    for (int tries = 0; tries < 20 && !WaitFor(perf, calls, seconds(1)); ++tries) {
      Call(1);
      ++calls;
    }
  }).join();
  const EventCounts counts = perf.Counts();
  EXPECT_EQ(SumOf(counts) + counts.lost, calls);
  EXPECT_GT(counts.lost, 900u);
}

TEST_F(EventReaderTest, ASinkGetsTheWholeEvent) {
  class Sizes final : public EventSink {
   public:
    void OnEvent(std::span<const std::byte> event) override { size = event.size(); }
    void OnLost(uint64_t) override {}
    std::atomic<size_t> size = 0;
  };
  Sizes sizes;
  const auto reader = Reader();
  ASSERT_TRUE(reader);
  Add(*reader, "calls_by_ring", sizes);
  ASSERT_TRUE(reader->Start());
  Call(1);
  const auto give_up = steady_clock::now() + seconds(20);
  while (sizes.size == 0 && steady_clock::now() < give_up) std::this_thread::yield();
  EXPECT_EQ(sizes.size, kEventBytes);
}

TEST_F(EventReaderTest, ItEndsWhileEventsPourIn) {
  EventCounter ring;
  auto reader = Reader();
  ASSERT_TRUE(reader);
  Add(*reader, "calls_by_ring", ring);
  ASSERT_TRUE(reader->Start());
  std::atomic<bool> enough = false;
  std::thread caller([&] {
    while (!enough) Call(100);
  });
  EXPECT_TRUE(WaitFor(ring, 1000));
  reader.reset();
  enough = true;
  caller.join();
}

TEST_F(EventReaderTest, ASinkCanBeAddedAndRemovedWhileOthersMissNothing) {
  EventCounter stays;
  auto comes = std::make_unique<EventCounter>();
  const auto reader = Reader();
  Add(*reader, "calls_by_ring", stays);
  ASSERT_TRUE(reader->Start());
  Call(300);
  Add(*reader, "calls_by_ring", *comes);
  EventCounter other_map;
  Add(*reader, "calls_by_perf", other_map);
  Call(300);
  EXPECT_TRUE(WaitFor(*comes, 300));
  EXPECT_TRUE(WaitFor(other_map, 300));
  reader->Remove(*comes);
  comes.reset();
  reader->Remove(other_map);
  Call(300);
  EXPECT_TRUE(WaitFor(stays, 900));
  EXPECT_EQ(SumOf(stays.Counts()), 900u);
  EXPECT_EQ(SumOf(other_map.Counts()), 300u);
}

// Frees each sink at once: the sanitizers find one that is called afterwards, and the test times
// out if one cannot be removed while events pour in.
TEST_F(EventReaderTest, ARemovedSinkIsNotCalledWhileEventsPourIn) {
  EventCounter stays;
  const auto reader = Reader();
  Add(*reader, "calls_by_ring", stays);
  ASSERT_TRUE(reader->Start());
  std::atomic<bool> enough = false;
  std::atomic<uint64_t> calls = 0;
  std::thread caller([&] {
    while (!enough) {
      Call(10);
      calls += 10;
      // A ring buffer does not report losses.
      while (SumOf(stays.Counts()) + 20'000 < calls) std::this_thread::yield();
    }
  });
  for (int round = 0; round < 100; ++round) {
    const auto sink = std::make_unique<EventCounter>();
    Add(*reader, round % 2 == 0 ? "calls_by_quiet_ring" : "calls_by_ring", *sink);
    std::this_thread::yield();
    reader->Remove(*sink);
  }
  enough = true;
  caller.join();
  EXPECT_TRUE(WaitFor(stays, calls));
}

TEST_F(EventReaderTest, TheThreadEndsWithTheLastMapAndComesBack) {
  const auto reader = Reader();
  ASSERT_TRUE(reader->Start());
  const size_t alone = ThreadsAtRest();
  for (int round = 0; round < 3; ++round) {
    EventCounter ring;
    Add(*reader, "calls_by_ring", ring);
    EXPECT_TRUE(SoonHasThreads(alone + 1));
    Call(30);
    EXPECT_TRUE(WaitFor(ring, 30));
    reader->Remove(ring);
    EXPECT_TRUE(SoonHasThreads(alone));
  }
}

TEST_F(EventReaderTest, AMapThatIsNoBufferIsRefused) {
  EventCounter counter;
  const auto reader = Reader();
  ASSERT_TRUE(reader);
  const auto added = reader->Add(*program_->FindMap("wanted_process"), counter);
  ASSERT_FALSE(added);
  EXPECT_THAT(added.error().message, ::testing::HasSubstr("wanted_process"));
  EXPECT_TRUE(reader->Start()) << "nothing to do";
}

}  // namespace
}  // namespace bpftally
