// Writes random batches in both formats and compares what the strict parser reads back. The seeds
// are fixed.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <random>

#include "export/batch_maker.h"
#include "export/prometheus/round_trip.h"

namespace bpftally {
namespace {

TEST(TextWriterPropertyTest, Fault36WhatIsWrittenReadsTheSame) {
  constexpr uint64_t kSeeds = 500;
  size_t samples = 0;
  for (uint64_t seed = 1; seed <= kSeeds && !testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE(fmt::format("seed {}", seed));
    std::mt19937_64 random(seed);
    const MetricBatch batch =
        BatchMaker([&](uint64_t end) { return end == 0 ? random() : random() % end; }).Make();
    ASSERT_TRUE(Validate(batch)) << Validate(batch).error().message;
    CheckRoundTrip(batch, TextFormat::kPrometheus004);
    CheckRoundTrip(batch, TextFormat::kOpenMetrics100);
    samples += batch.sample_count();
  }
  constexpr size_t kEnough = 10'000;
  EXPECT_GT(samples, kEnough);  // proves that the maker makes enough to test
}

}  // namespace
}  // namespace bpftally
