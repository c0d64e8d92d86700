// Translates the names sent over OTLP to Prometheus by the standard rules: they must be those of
// /metrics.

#include "export/otlp/otlp_names.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "build_paths.h"
#include "collect/collector.h"
#include "collect/test_snapshots.h"
#include "export/otlp/otlp_decoder.h"
#include "model/snapshot_yaml.h"

namespace bpftally {
namespace {

OtlpMetric Sent(const FamilySpec& spec) {
  const OtlpName name = NameForOtlp(spec);
  return {.name = name.name,
          .description = {},
          .unit = name.unit,
          .type = spec.type,
          .monotonic = name.monotonic};
}

void ExpectSameName(const FamilySpec& spec) {
  const OtlpMetric sent = Sent(spec);
  for (const UnitCheck check : {UnitCheck::kAnywhere, UnitCheck::kAtEnd})
    EXPECT_EQ(PrometheusName(sent, check), spec.name) << sent.name << " in " << sent.unit;
}

FamilySpec Spec(std::string name, MetricType type, std::string unit) {
  return {.name = std::move(name), .help = "Help.", .type = type, .unit = std::move(unit)};
}

Snapshot ReadFixture(const std::string& name) {
  std::ifstream file(BPFTALLY_SOURCE_DIR "/tests/fixtures/" + name);
  std::stringstream yaml;
  yaml << file.rdbuf();
  auto snapshot = SnapshotFromYaml(yaml.str());
  EXPECT_TRUE(snapshot) << name;
  return std::move(snapshot).value_or(Snapshot());
}

size_t ExpectSameNames(const Snapshot& snapshot, const CollectOptions& options) {
  MetricBatch batch;
  for (const auto& collector : MakeCollectors(options))
    static_cast<void>(collector->Collect(snapshot, batch));  // some fail on an incomplete walk
  for (const MetricFamily& family : batch.families()) ExpectSameName(family.spec);
  return batch.families().size();
}

TEST(OtlpNamesTest, TheWholeCatalogueKeepsItsNames) {
  const std::vector<CollectOptions> variants = {
      {}, {.size_metrics_as_gauges = true}, {.compat = true}, {.program_maps = true}};
  constexpr size_t kEnough = 25;
  for (const Snapshot& snapshot :
       {ReadFixture("population.yaml"), ReadFixture("small_host.yaml"), FullSnapshot()}) {
    for (const CollectOptions& options : variants)
      EXPECT_GT(ExpectSameNames(snapshot, options), kEnough);
  }
}

TEST(OtlpNamesTest, UnitsAreSentWhereTheNameHasThem) {
  const OtlpMetric bytes =
      Sent(Spec("bpf_program_size_jitted_bytes_total", MetricType::kCounter, "By"));
  EXPECT_EQ(bytes.name, "bpf_program_size_jitted");
  EXPECT_EQ(bytes.unit, "By");
  EXPECT_TRUE(bytes.monotonic);
  const OtlpMetric seconds = Sent(Spec("scrape_duration_seconds", MetricType::kHistogram, "s"));
  EXPECT_EQ(seconds.name, "scrape_duration");
  EXPECT_EQ(seconds.unit, "s");
  const OtlpMetric ratio = Sent(Spec("bpf_map_fill_ratio", MetricType::kGauge, "1"));
  EXPECT_EQ(ratio.name, "bpf_map_fill");
  EXPECT_EQ(ratio.unit, "1");
  const OtlpMetric entries = Sent(Spec("bpf_map_entries", MetricType::kGauge, "{entry}"));
  EXPECT_EQ(entries.name, "bpf_map_entries");
  EXPECT_EQ(entries.unit, "{entry}");
}

TEST(OtlpNamesTest, UnitsThatWouldChangeTheNameAreNotSent) {
  EXPECT_EQ(Sent(Spec("bpf_program_load_time", MetricType::kGauge, "s")).unit, "");
  EXPECT_EQ(Sent(Spec("bpf_bytes_read", MetricType::kGauge, "By")).unit, "");
  EXPECT_EQ(Sent(Spec("bpf_map_fill", MetricType::kGauge, "1")).unit, "");
  EXPECT_EQ(Sent(Spec("bpf_waiting", MetricType::kGauge, "fortnight")).unit, "");
}

TEST(OtlpNamesTest, OddNamesAreKept) {
  const std::vector<MetricType> types = {MetricType::kCounter, MetricType::kGauge,
                                         MetricType::kHistogram};
  const std::vector<std::string> names = {"ebpf_exporter_ebpf_program_info",
                                          "ebpf_exporter_bio_latency_seconds",
                                          "timers",
                                          "bytes",
                                          "seconds_seconds",
                                          "bytes_read_bytes",
                                          "kb_seconds",
                                          "ratio_of_ratio",
                                          "x_bytes_of_bytes",
                                          "job:bytes",
                                          "bytesize",
                                          "x_nbytes"};
  for (const MetricType type : types) {
    for (const std::string& name : names) {
      for (const char* const unit : {"", "By", "s", "1", "{packet}", "ms", "By/s", "furlong", "{a"})
        ExpectSameName(Spec(name, type, unit));
    }
  }
}

TEST(OtlpNamesTest, CountersKeepNamesWithAndWithoutTotal) {
  for (const char* const unit : {"", "By", "s", "1", "{packet}"}) {
    ExpectSameName(Spec("x_bytes_total", MetricType::kCounter, unit));
    ExpectSameName(Spec("x_total", MetricType::kCounter, unit));
    ExpectSameName(Spec("ebpf_exporter_page_cache_ops", MetricType::kCounter, unit));
    ExpectSameName(Spec("ebpf_exporter_read_bytes", MetricType::kCounter, unit));
    ExpectSameName(Spec("x_total", MetricType::kGauge, unit));
  }
  EXPECT_TRUE(Sent(Spec("x_total", MetricType::kCounter, "")).monotonic);
  EXPECT_FALSE(Sent(Spec("x", MetricType::kCounter, "")).monotonic);
  EXPECT_FALSE(Sent(Spec("x_total", MetricType::kGauge, "")).monotonic);
}

}  // namespace
}  // namespace bpftally
