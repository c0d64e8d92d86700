// Any valid batch, written in both formats and read back by the strict parser.

#include <gtest/gtest.h>

#include "export/batch_maker.h"
#include "export/prometheus/round_trip.h"
#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_input.h"

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  GTEST_FLAG_SET(break_on_failure, true);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace bpftally;
  FuzzInput input(data, size);
  const MetricBatch batch = BatchMaker([&](uint64_t end) { return input.Below(end); }).Make();
  const Result<void> valid = Validate(batch);
  Require(valid.has_value(), "the maker makes valid batches", valid ? "" : valid.error().message);
  CheckRoundTrip(batch, TextFormat::kPrometheus004);
  CheckRoundTrip(batch, TextFormat::kOpenMetrics100);
  return 0;
}
