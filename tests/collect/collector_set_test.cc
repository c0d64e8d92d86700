#include "collect/collector_set.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>

#include <functional>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>

#include "collect/batch_reader.h"
#include "collect/test_snapshots.h"

namespace bpftally {
namespace {

using testing::IsEmpty;

// Moves on only where a test says so.
class ManualClock final : public Clock {
 public:
  std::chrono::steady_clock::time_point Now() const override { return now; }
  int64_t WallNanoseconds() const override { return wall_ns; }
  int64_t BootNanoseconds() const override { return 0; }

  std::chrono::steady_clock::time_point now;
  int64_t wall_ns = 0;
};

class ScriptedCollector final : public Collector {
 public:
  ScriptedCollector(std::string_view name, std::function<Result<void>()> script)
      : name_(name), script_(std::move(script)) {}

  std::string_view name() const override { return name_; }
  std::string_view help() const override { return "Runs a script."; }
  Result<void> Collect(const CensusView&, MetricBatch& batch) override {
    batch.Add({std::string(name_) + "_ran", "Help.", MetricType::kGauge, ""}, name_)
        .samples.push_back({nullptr, uint64_t{1}});
    return script_();
  }

 private:
  std::string_view name_;
  std::function<Result<void>()> script_;
};

class CollectorSetTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = spdlog::default_logger();
    auto logger = std::make_shared<spdlog::logger>(
        "test", std::make_shared<spdlog::sinks::ostream_sink_st>(log_));
    logger->set_pattern("%l %v");
    spdlog::set_default_logger(std::move(logger));
  }
  void TearDown() override { spdlog::set_default_logger(before_); }

  void Add(std::string_view name, std::function<Result<void>()> script) {
    collectors_.push_back(std::make_unique<ScriptedCollector>(name, std::move(script)));
  }

  MetricBatch Collect(const Snapshot& snapshot = {}) {
    if (set_ == nullptr)
      set_ = std::make_unique<CollectorSet>(std::move(collectors_), CollectOptions{}, clock_);
    MetricBatch batch;
    set_->Collect(snapshot, batch);
    const Result<void> valid = Validate(batch);
    EXPECT_TRUE(valid) << valid.error().message;
    return batch;
  }

  // What was logged since the last call.
  std::string Logged() {
    std::string text = log_.str();
    log_.str("");
    return text;
  }

  ManualClock clock_;
  std::unique_ptr<CollectorSet> set_;

 private:
  std::vector<std::unique_ptr<Collector>> collectors_;
  std::shared_ptr<spdlog::logger> before_;
  std::ostringstream log_;
};

Result<void> Denied() { return std::unexpected(Error{ErrorKind::kPermission, 1, "needs CAP_BPF"}); }

std::optional<Number> Success(const MetricBatch& batch, const std::string& collector) {
  return ValueOf(batch, "bpftally_collector_success", {{"collector", collector}});
}

TEST_F(CollectorSetTest, Fault20AFailingOneNeverHidesAnother) {
  Add("first", Denied);
  Add("second", []() -> Result<void> { throw std::runtime_error("no luck"); });
  Add("third", []() -> Result<void> { throw 42; });
  Add("fourth", [] { return Result<void>(); });
  const MetricBatch batch = Collect();
  EXPECT_EQ(Success(batch, "first"), Unsigned(0));
  EXPECT_EQ(Success(batch, "second"), Unsigned(0));
  EXPECT_EQ(Success(batch, "third"), Unsigned(0));
  EXPECT_EQ(Success(batch, "fourth"), Unsigned(1));
  for (const char* name : {"first_ran", "second_ran", "third_ran", "fourth_ran"})
    EXPECT_EQ(ValueOf(batch, name), Unsigned(1)) << name;
}

TEST_F(CollectorSetTest, ErrorsAddUpByReasonAndAreAbsentBeforeTheFirst) {
  Result<void> next;
  Add("moody", [&] { return next; });
  EXPECT_THAT(SamplesOf(Collect(), "bpftally_collect_errors_total"), IsEmpty());
  next = Denied();
  Collect();
  Collect();
  next = std::unexpected(Error{ErrorKind::kExhausted, 24, "too many files"});
  Collect();
  next = {};
  const MetricBatch batch = Collect();
  const auto errors = [&](const char* reason) {
    return ValueOf(batch, "bpftally_collect_errors_total",
                   {{"collector", "moody"}, {"reason", reason}});
  };
  EXPECT_EQ(errors("permission"), Unsigned(2));
  EXPECT_EQ(errors("exhausted"), Unsigned(1));
  EXPECT_EQ(errors("internal"), std::nullopt);
}

TEST_F(CollectorSetTest, TheLogTellsChangesOnly) {
  Result<void> next;
  Add("moody", [&] { return next; });
  Collect();
  EXPECT_EQ(Logged(), "");
  next = Denied();
  Collect();
  EXPECT_EQ(Logged(), "warning collector moody fails: needs CAP_BPF\n");
  Collect();
  EXPECT_EQ(Logged(), "");
  next = {};
  Collect();
  EXPECT_EQ(Logged(), "info collector moody works again\n");
  Collect();
  EXPECT_EQ(Logged(), "");
}

TEST_F(CollectorSetTest, AnErrorWithoutWordsIsAFailureToo) {
  Add("mute", [] { return Result<void>(std::unexpected(Error{})); });
  Collect();
  EXPECT_EQ(Logged(), "warning collector mute fails: \n");
  EXPECT_EQ(Success(Collect(), "mute"), Unsigned(0));
  EXPECT_EQ(Logged(), "");
}

TEST_F(CollectorSetTest, DurationsComeFromTheClock) {
  Add("slow", [&] {
    clock_.now += std::chrono::milliseconds(1500);
    return Result<void>();
  });
  Add("slow_and_failing", [&]() -> Result<void> {
    clock_.now += std::chrono::milliseconds(250);
    throw std::runtime_error("late");
  });
  const MetricBatch batch = Collect();
  const char* const name = "bpftally_collector_duration_seconds";
  EXPECT_EQ(ValueOf(batch, name, {{"collector", "slow"}}), Number(1.5));
  EXPECT_EQ(ValueOf(batch, name, {{"collector", "slow_and_failing"}}), Number(0.25));
}

// A replayed snapshot is of long ago, and receivers take no points of then.
TEST_F(CollectorSetTest, WhatIsCollectedIsOfNow) {
  Snapshot snapshot;
  snapshot.taken_at_ns = 5;
  clock_.wall_ns = 7;
  EXPECT_EQ(Collect(snapshot).collected_at_ns, 7);
}

TEST_F(CollectorSetTest, VanishedObjectsAddUp) {
  Snapshot snapshot;
  snapshot.StatusOf(ObjectKind::kMap).vanished = 3;
  Collect(snapshot);
  const MetricBatch batch = Collect(snapshot);
  const char* const name = "bpftally_objects_vanished_total";
  EXPECT_EQ(ValueOf(batch, name, {{"kind", "map"}}), Unsigned(6));
  EXPECT_EQ(ValueOf(batch, name, {{"kind", "program"}}), Unsigned(0));
}

TEST_F(CollectorSetTest, ReportsForTheLandingPage) {
  Result<void> next = Denied();
  Add("moody", [&] {
    clock_.now += std::chrono::seconds(2);
    return next;
  });
  Add("good", [] { return Result<void>(); });
  Collect();
  std::vector<CollectorReport> reports = set_->Reports();
  ASSERT_EQ(reports.size(), 2U);
  EXPECT_EQ(reports[0].name, "moody");
  EXPECT_EQ(reports[0].help, "Runs a script.");
  EXPECT_EQ(reports[0].success, false);
  EXPECT_EQ(reports[0].seconds, 2);
  EXPECT_EQ(reports[0].error, "needs CAP_BPF");
  EXPECT_EQ(reports[1].success, true);
  EXPECT_EQ(reports[1].error, "");
  next = {};
  Collect();
  reports = set_->Reports();
  EXPECT_EQ(reports[0].success, true);
  EXPECT_EQ(reports[0].error, "needs CAP_BPF") << "the latest failure stays readable";
}

TEST(CollectorSetReportsTest, BeforeTheFirstRunNothingIsSaid) {
  const CollectorSet set(MakeCollectors({}), {}, SystemClock());
  for (const CollectorReport& report : set.Reports()) EXPECT_EQ(report.success, std::nullopt);
}

TEST(CollectorSetRealTest, AFullSnapshotMakesAValidBatchThatSucceeds) {
  CollectorSet set(MakeCollectors({}), {}, SystemClock());
  MetricBatch batch;
  set.Collect(FullSnapshot(), batch);
  const Result<void> valid = Validate(batch);
  EXPECT_TRUE(valid) << valid.error().message;
  for (const Sample& sample : SamplesOf(batch, "bpftally_collector_success"))
    EXPECT_EQ(sample.value, Number(uint64_t{1}));
}

}  // namespace
}  // namespace bpftally
