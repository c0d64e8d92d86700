// Compares a real host's snapshot as OTLP requests and as text: both must mean the same to
// Prometheus.

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <utility>

#include "build_paths.h"
#include "collect/collector.h"
#include "export/otlp/otlp_decoder.h"
#include "export/otlp/otlp_encoder.h"
#include "export/prometheus/exposition_parser.h"
#include "export/prometheus/text_writer.h"
#include "model/snapshot_yaml.h"

namespace bpftally {
namespace {

constexpr int64_t kNow = 1'795'300'000'123'456'789;

// A series' contents, in the spelling of the text format.
struct Said {
  std::string type;
  std::string help;
  std::string value;

  bool operator==(const Said&) const = default;
};
void PrintTo(const Said& said, std::ostream* out) {
  *out << said.type << " " << said.value << ": " << said.help;
}

using Series = std::pair<std::string, std::map<std::string, std::string>>;  // name, labels

std::map<Series, Said> SaidAsText(const MetricBatch& batch) {
  std::string text;
  WriteText(batch, TextFormat::kPrometheus004, [&](std::string_view chunk) { text += chunk; });
  const auto families = ParseExposition(text, TextFormat::kPrometheus004);
  EXPECT_TRUE(families);
  std::map<Series, Said> said;
  for (const ParsedFamily& family : families.value_or(std::vector<ParsedFamily>())) {
    for (const ParsedSample& sample : family.samples) {
      auto labels = sample.labels;
      std::erase_if(labels, [](const auto& label) { return label.second.empty(); });
      said[{sample.name, labels}] = {family.type, family.help, sample.value_text};
    }
  }
  return said;
}

Said SaidBy(const OtlpPoint& point) {
  const auto spell = [](auto number) { return fmt::format("{}", number); };
  return {point.metric.monotonic ? "counter" : "gauge", point.metric.description,
          std::visit(spell, point.value)};
}

std::map<Series, Said> SaidAsOtlp(std::shared_ptr<const MetricBatch> batch) {
  OtlpEncoder encoder({}, OtlpTemporality::kCumulative, "1", 1);
  encoder.Begin(std::move(batch));
  std::map<Series, Said> said;
  size_t points = 0;
  while (const auto chunk = encoder.Next({.points = 50})) {
    encoder.Acknowledge();
    points += chunk->points;
    const auto content = DecodeOtlp(chunk->request);
    EXPECT_TRUE(content);
    for (const OtlpPoint& point : content->points) {
      EXPECT_FALSE(point.no_value);
      EXPECT_EQ(point.time_ns, kNow);
      EXPECT_EQ(point.start_ns != 0, point.metric.monotonic);
      said[{PrometheusName(point.metric, UnitCheck::kAtEnd), point.labels}] = SaidBy(point);
    }
  }
  EXPECT_EQ(said.size(), points);
  return said;
}

void ExpectTheSame(const std::string& fixture, const CollectOptions& options) {
  std::ifstream file(BPFTALLY_SOURCE_DIR "/tests/fixtures/" + fixture);
  std::stringstream yaml;
  yaml << file.rdbuf();
  const auto snapshot = SnapshotFromYaml(yaml.str());
  ASSERT_TRUE(snapshot);
  auto batch = std::make_shared<MetricBatch>();
  for (const auto& collector : MakeCollectors(options))
    static_cast<void>(collector->Collect(*snapshot, *batch));
  batch->collected_at_ns = kNow;
  const auto text = SaidAsText(*batch);
  EXPECT_EQ(SaidAsOtlp(batch), text);
  constexpr size_t kEnough = 50;
  EXPECT_GT(text.size(), kEnough);
}

TEST(OtlpGoldenTest, EverySeriesEqualsTheText) {
  for (const char* const fixture : {"small_host.yaml", "population.yaml"}) {
    SCOPED_TRACE(fixture);
    ExpectTheSame(fixture, {});
    ExpectTheSame(fixture, {.size_metrics_as_gauges = true});
    ExpectTheSame(fixture, {.compat = true});
  }
}

}  // namespace
}  // namespace bpftally
