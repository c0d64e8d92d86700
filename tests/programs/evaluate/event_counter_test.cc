#include "programs/evaluate/event_counter.h"

#include <gmock/gmock.h>

#include <algorithm>

namespace bpftally {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

class ManualClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override { return now; }
  int64_t WallNanoseconds() const override { return wall + now.time_since_epoch().count(); }
  int64_t BootNanoseconds() const override { return 0; }

  std::chrono::steady_clock::time_point now{};
  int64_t wall = 1'000'000'000'000;
};

// Two labels of a byte each; 'd' in front is dropped, 'e' is an error.
Result<Decoder::Verdict> DecodeTwoBytes(std::span<const std::byte> event,
                                        std::vector<std::string>& labels) {
  const auto text = [&](size_t i) { return std::string(1, static_cast<char>(event[i])); };
  if (text(0) == "d") return Decoder::Verdict::kDrop;
  if (text(0) == "e") return std::unexpected(Error{ErrorKind::kInvalid, 0, "e"});
  labels = {text(0), text(1)};
  return Decoder::Verdict::kKeep;
}

class EventCounterTest : public ::testing::Test {
 protected:
  static void Send(EventCounter& counter, std::string_view bytes) {
    counter.OnEvent(std::as_bytes(std::span(bytes)));
  }
  // "ab=2" for each series.
  static std::vector<std::string> Series(EventCounter& counter) {
    std::vector<std::string> all;
    for (const EventSeries& series : counter.Counts().series) {
      std::string text;
      for (const std::string& label : series.labels) text += label;
      all.push_back(text + "=" + std::to_string(series.count));
    }
    return all;
  }

  ManualClock clock_;
};

TEST_F(EventCounterTest, EachSetOfLabelsHasItsCount) {
  EventCounter counter({.key_size = 2}, DecodeTwoBytes, clock_);
  for (const char* event : {"ab", "ac", "ab", "ba", "ab and more"}) Send(counter, event);
  EXPECT_THAT(Series(counter), UnorderedElementsAre("ab=3", "ac=1", "ba=1"));
  EXPECT_EQ(counter.Counts().decode_errors, 0u);
}

TEST_F(EventCounterTest, SetsNeverFallTogetherByWhatStandsBetween) {
  const auto decode = [](std::span<const std::byte> event, std::vector<std::string>& labels) {
    labels = event[0] == std::byte{'1'} ? std::vector<std::string>{"a1:b", "c"}
                                        : std::vector<std::string>{"a", "1:b1:c"};
    return Result<Decoder::Verdict>(Decoder::Verdict::kKeep);
  };
  EventCounter counter({.key_size = 1}, decode, clock_);
  Send(counter, "1");
  Send(counter, "2");
  EXPECT_EQ(counter.Counts().series.size(), 2u);
}

TEST_F(EventCounterTest, WhatDoesNotDecodeIsCountedAndWhatIsNotWantedIsNot) {
  EventCounter counter({.key_size = 2}, DecodeTwoBytes, clock_);
  for (const char* event : {"ea", "da", "x", ""}) Send(counter, event);
  EXPECT_EQ(counter.Counts().decode_errors, 3u);
  EXPECT_THAT(Series(counter), IsEmpty());
}

TEST_F(EventCounterTest, TheLimitHoldsForNewSeriesOnly) {
  EventCounter counter({.key_size = 2, .max_series = 2}, DecodeTwoBytes, clock_);
  for (const char* event : {"aa", "bb", "cc", "aa", "dd", "cc"}) Send(counter, event);
  EXPECT_THAT(Series(counter), UnorderedElementsAre("aa=2", "bb=1"));
  EXPECT_EQ(counter.Counts().over_limit, 2u) << "dd is not wanted at all";
}

TEST_F(EventCounterTest, AFlushForgetsTheSeriesAndSaysSinceWhen) {
  EventCounter counter({.key_size = 2, .flush_interval = std::chrono::seconds(10)}, DecodeTwoBytes,
                       clock_);
  Send(counter, "aa");
  Send(counter, "x");
  counter.OnLost(5);
  const int64_t start = counter.Counts().start_time_ns;
  clock_.now += std::chrono::milliseconds(9999);
  EXPECT_THAT(Series(counter), ElementsAre("aa=1"));
  clock_.now += std::chrono::milliseconds(2);
  EXPECT_THAT(Series(counter), IsEmpty());
  EXPECT_EQ(counter.Counts().start_time_ns, start + 10'000'000'000);
  EXPECT_EQ(counter.Counts().lost, 5u);
  EXPECT_EQ(counter.Counts().decode_errors, 1u);
  // The pace is kept though nobody looked for three and a half rounds.
  clock_.now += std::chrono::seconds(35);
  Send(counter, "bb");
  EXPECT_EQ(counter.Counts().start_time_ns, start + 40'000'000'000);
  EXPECT_THAT(Series(counter), ElementsAre("bb=1"));
}

}  // namespace
}  // namespace bpftally
