// The eleven metrics that users of bpf-metrics-exporter have in queries and dashboards: names,
// kinds and labels exactly as the catalogue's table has them.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <ranges>
#include <regex>
#include <string>
#include <vector>

#include "build_paths.h"
#include "collect/batch_reader.h"
#include "collect/collector.h"
#include "collect/test_snapshots.h"

namespace bpftally {
namespace {

struct Row {
  std::string name;
  MetricType type = MetricType::kGauge;
  bool more_labels = false;
  std::vector<std::string> labels;
};

std::vector<std::string> Matches(const std::string& text, const std::regex& pattern) {
  std::vector<std::string> found;
  for (std::sregex_iterator it(text.begin(), text.end(), pattern), end; it != end; ++it)
    found.push_back((*it)[1]);
  return found;
}

std::vector<Row> CatalogueRows() {
  std::ifstream file(BPFTALLY_SOURCE_DIR "/tests/fixtures/catalogue_eleven.md");
  static const std::regex row(R"(\| (`.*`) \| (\w+).* \| (.*) \|)");
  std::vector<Row> rows;
  std::smatch cells;
  for (std::string line; std::getline(file, line);) {
    if (!std::regex_match(line, cells, row)) continue;
    const std::string labels = cells[3];
    for (const std::string& name : Matches(cells[1], std::regex("`(\\w+)`"))) {
      rows.push_back({name, cells[2] == "counter" ? MetricType::kCounter : MetricType::kGauge,
                      labels.find(';') != std::string::npos,
                      Matches(labels.substr(0, labels.find(';')), std::regex("(\\w+)"))});
    }
  }
  return rows;
}

MetricBatch CollectAll(const Snapshot& snapshot, const CollectOptions& options = {}) {
  MetricBatch batch;
  const CensusView view = CensusViewBuilder(options).Build(snapshot);
  for (const auto& collector : MakeCollectors(options))
    EXPECT_TRUE(collector->Collect(view, batch)) << collector->name();
  return batch;
}

// The first labels of the one series of a family, and its value.
struct Series {
  std::vector<std::string> labels;
  Number value;
};

Series OnlySeries(const MetricBatch& batch, const std::string& name, size_t labels) {
  const std::vector<Sample> samples = SamplesOf(batch, name);
  EXPECT_EQ(samples.size(), 1U) << name;
  if (samples.size() != 1) return {};
  return {{samples[0].labels, samples[0].labels + labels}, samples[0].value};
}

void ExpectSeries(const MetricBatch& batch, const std::string& name,
                  const std::vector<std::string>& labels, Number value) {
  const Series series = OnlySeries(batch, name, labels.size());
  EXPECT_EQ(series.labels, labels) << name;
  EXPECT_EQ(series.value, value) << name;
}

TEST(CatalogueTest, TheElevenHaveTheirNamesKindsAndLabels) {
  const std::vector<Row> rows = CatalogueRows();
  ASSERT_EQ(rows.size(), 11U);
  const MetricBatch batch = CollectAll(FullSnapshot());
  for (const Row& row : rows) {
    const MetricFamily* const family = FindFamily(batch, row.name);
    ASSERT_NE(family, nullptr) << row.name;
    EXPECT_EQ(family->spec.type, row.type) << row.name;
    const std::vector<std::string>& labels = family->spec.label_names;
    ASSERT_GE(labels.size(), row.labels.size()) << row.name;
    EXPECT_TRUE(std::ranges::equal(labels | std::views::take(row.labels.size()), row.labels))
        << row.name;
    if (!row.more_labels) {
      EXPECT_EQ(labels.size(), row.labels.size()) << row.name;
    }
    EXPECT_EQ(family->samples.size(), 1U) << row.name;
  }
}

TEST(CatalogueTest, TheElevenHaveTheirValues) {
  const MetricBatch batch = CollectAll(FullSnapshot());
  const std::vector<std::string> program = {"7", "handle_exec", "tracing"};
  const std::vector<std::string> map = {"8", "events", "ringbuf"};
  ExpectSeries(batch, "bpf_program_info",
               {"7", "handle_exec", "tracing", "00123456789abcff", "true", "2026-11-21 08:00:00"},
               uint64_t{1});
  ExpectSeries(batch, "bpf_map_info", {"8", "events", "ringbuf", "201", "202", "203", "204"},
               uint64_t{1});
  ExpectSeries(batch, "bpf_link_info", {"9", "7", "kprobe_multi"}, uint64_t{1});
  ExpectSeries(batch, "bpf_program_load_time", program, int64_t{1'795'248'000});
  ExpectSeries(batch, "bpf_program_size_translated_bytes_total", program, uint64_t{101});
  ExpectSeries(batch, "bpf_program_size_jitted_bytes_total", program, uint64_t{102});
  ExpectSeries(batch, "bpf_program_mem_bytes_total", program, uint64_t{4096});
  ExpectSeries(batch, "bpf_program_verified_instructions_total", program, uint64_t{104});
  ExpectSeries(batch, "bpf_map_key_size_total", map, uint64_t{201});
  ExpectSeries(batch, "bpf_map_value_size_total", map, uint64_t{202});
  ExpectSeries(batch, "bpf_map_max_entries_total", map, uint64_t{203});
}

TEST(CatalogueTest, SizesAsGaugesLoseTotalAndNothingElse) {
  CollectOptions options;
  options.size_metrics_as_gauges = true;
  const MetricBatch gauges = CollectAll(FullSnapshot(), options);
  const MetricBatch counters = CollectAll(FullSnapshot());
  size_t sizes = 0;
  for (const Row& row : CatalogueRows()) {
    if (row.type != MetricType::kCounter) continue;
    ++sizes;
    const std::string name = row.name.substr(0, row.name.size() - std::string("_total").size());
    EXPECT_EQ(FindFamily(gauges, row.name), nullptr);
    const MetricFamily* const family = FindFamily(gauges, name);
    ASSERT_NE(family, nullptr) << name;
    EXPECT_EQ(family->spec.type, MetricType::kGauge);
    EXPECT_EQ(family->samples.at(0).start_time_ns, 0);
    EXPECT_EQ(OnlySeries(gauges, name, 3).value, OnlySeries(counters, row.name, 3).value);
  }
  EXPECT_EQ(sizes, 7U);
  EXPECT_TRUE(Validate(gauges));
}

TEST(CatalogueTest, TypesAsNumbersForMapsAndLinksOnly) {
  CollectOptions options;
  options.type_labels_as_numbers = true;
  const MetricBatch batch = CollectAll(FullSnapshot(), options);
  ExpectSeries(batch, "bpf_map_info", {"8", "events", "27"}, uint64_t{1});
  ExpectSeries(batch, "bpf_map_key_size_total", {"8", "events", "27"}, uint64_t{201});
  ExpectSeries(batch, "bpf_link_info", {"9", "7", "8"}, uint64_t{1});
  ExpectSeries(batch, "bpf_program_load_time", {"7", "handle_exec", "tracing"},
               int64_t{1'795'248'000});
  ExpectSeries(batch, "bpf_maps", {"27"}, uint64_t{1});
  ExpectSeries(batch, "bpf_links", {"8"}, uint64_t{1});
  ExpectSeries(batch, "bpf_programs", {"tracing"}, uint64_t{1});
}

}  // namespace
}  // namespace bpftally
