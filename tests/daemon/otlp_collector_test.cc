#include "daemon/otlp_collector.h"

#include <gtest/gtest.h>

#include <string>

#include "export/prometheus/text_writer.h"

namespace bpftally {
namespace {

std::string TextOf(const std::vector<OtlpEndpointStats>& stats) {
  const auto collector = MakeOtlpCollector([&] { return stats; });
  MetricBatch batch;
  EXPECT_TRUE(collector->Collect({}, batch));
  EXPECT_TRUE(Validate(batch)) << Validate(batch).error().message;
  std::string samples;
  std::string text;
  WriteText(batch, TextFormat::kPrometheus004, [&](std::string_view chunk) { text += chunk; });
  for (size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    if (text[at] != '#') samples += text.substr(at, text.find('\n', at) + 1 - at);
  }
  return samples;
}

TEST(OtlpCollector, TellsHowEachEndpointFares) {
  EXPECT_EQ(TextOf({{.endpoint = "sink:4317",
                     .succeeded = 5,
                     .failed = 2,
                     .points_accepted = 100,
                     .points_rejected = 3,
                     .points_dropped = 7,
                     .spans_accepted = 30,
                     .spans_rejected = 1,
                     .spans_dropped = 2,
                     .up = false,
                     .duration_seconds = 0.25,
                     .last_success_seconds = 1000.5}}),
            R"(bpftally_otlp_exports_total{endpoint="sink:4317",outcome="success"} 5
bpftally_otlp_exports_total{endpoint="sink:4317",outcome="failure"} 2
bpftally_otlp_points_total{endpoint="sink:4317",outcome="accepted"} 100
bpftally_otlp_points_total{endpoint="sink:4317",outcome="rejected"} 3
bpftally_otlp_points_total{endpoint="sink:4317",outcome="dropped"} 7
bpftally_otlp_spans_total{endpoint="sink:4317",outcome="accepted"} 30
bpftally_otlp_spans_total{endpoint="sink:4317",outcome="rejected"} 1
bpftally_otlp_spans_total{endpoint="sink:4317",outcome="dropped"} 2
bpftally_otlp_up{endpoint="sink:4317"} 0
bpftally_otlp_export_duration_seconds{endpoint="sink:4317"} 0.25
bpftally_otlp_last_success_timestamp_seconds{endpoint="sink:4317"} 1000.5
)");
}

TEST(OtlpCollector, KnowsNothingBeforeTheFirstPush) {
  const std::string text = TextOf({{.endpoint = "a:1"}, {.endpoint = "b:2"}});
  EXPECT_NE(text.find("exports_total{endpoint=\"b:2\",outcome=\"success\"} 0\n"),
            std::string::npos);
  EXPECT_EQ(text.find("up{"), std::string::npos);
  EXPECT_EQ(text.find("duration"), std::string::npos);
  EXPECT_EQ(text.find("last_success"), std::string::npos);
}

}  // namespace
}  // namespace bpftally
