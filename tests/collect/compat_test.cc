// --compat=bpf-metrics-exporter against lines that Prometheus held of the real exporter.

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <variant>
#include <vector>

#include "collect/batch_reader.h"
#include "collect/collector.h"

namespace bpftally {
namespace {

using ::testing::Contains;

constexpr int64_t kLoaded = 1'795'222'545;  // 2026-11-21 00:55:45 UTC

ProgramInfo Tracepoint() {
  ProgramInfo program;
  program.id = 63086;
  program.type = 5;
  program.name = "golden_tp_with_a_long_name";
  program.tag = {0x59, 0xf4, 0xa9, 0x31, 0x74, 0x4d, 0xcd, 0xc6};
  program.gpl_compatible = true;
  program.load_time_ns = kLoaded * 1'000'000'000 + 999;
  program.translated_bytes = 248;
  program.jitted_bytes = 148;
  program.memory_bytes = 4096;
  program.verified_instructions = 31;
  program.map_ids = {128081, 128082};
  program.run_count = 7;
  return program;
}

Snapshot Host() {
  Snapshot snapshot;
  snapshot.programs = {Tracepoint()};
  MapInfo map;
  map.id = 128082;
  map.type = 6;
  map.name = "golden_percpu_long_name";
  map.key_size = 4;
  map.value_size = 8;
  map.max_entries = 7;
  snapshot.maps = {map};
  LinkInfo link;
  link.id = 28466;
  link.type = 7;
  link.program_id = 63086;
  snapshot.links.push_back(link);
  for (KindStatus& status : snapshot.status) status.complete = true;
  return snapshot;
}

// As Prometheus shows a series: labels by name.
std::vector<std::string> Lines(const MetricBatch& batch) {
  std::vector<std::string> lines;
  for (const MetricFamily& family : batch.families()) {
    for (const Sample& sample : family.samples) {
      std::vector<std::string> labels;
      for (const auto& [name, value] : LabelsOf(family, sample))
        labels.push_back(fmt::format("{}=\"{}\"", name, value));
      const std::string value =
          std::visit([](auto number) { return fmt::format("{}", number); }, sample.value);
      lines.push_back(fmt::format("{}{{{}}} {}", family.spec.name, fmt::join(labels, ","), value));
    }
  }
  return lines;
}

TEST(CompatTest, PrintsTheLinesOfThatExporter) {
  MetricBatch batch;
  const Snapshot host = Host();
  const CensusView view = CensusViewBuilder({}).Build(host);
  for (const auto& collector : MakeCollectors({.compat = true}))
    EXPECT_TRUE(collector->Collect(view, batch));
  const auto lines = Lines(batch);
  for (
      const char* line : {
          R"(bpf_program_info{gpl_compatible="true",id="63086",load_time="2026-11-21 00:55:45",)"
          R"(map_ids="[128081, 128082]",name="golden_tp_with_",tag="6481991793562734022",type="tracepoint"} 1)",
          R"(bpf_program_load_time_seconds{id="63086",name="golden_tp_with_",type="tracepoint"} 1795222545)",
          R"(bpf_program_size_translated_bytes_total{id="63086",name="golden_tp_with_",type="tracepoint"} 248)",
          R"(bpf_program_size_jitted_bytes_total{id="63086",name="golden_tp_with_",type="tracepoint"} 148)",
          R"(bpf_program_mem_bytes_total{id="63086",name="golden_tp_with_",type="tracepoint"} 4096)",
          R"(bpf_program_verified_instructions_total{id="63086",name="golden_tp_with_",type="tracepoint"} 31)",
          R"(bpf_map_info{flags="0",id="128082",key_size="4",max_entries="7",name="golden_percpu_l",)"
          R"(type="per_cpu_array",value_size="8"} 1)",
          R"(bpf_map_key_size_bytes_total{id="128082",name="golden_percpu_l",type="per_cpu_array"} 4)",
          R"(bpf_map_value_size_bytes_total{id="128082",name="golden_percpu_l",type="per_cpu_array"} 8)",
          R"(bpf_map_max_entries_bytes_total{id="128082",name="golden_percpu_l",type="per_cpu_array"} 7)",
          R"(bpf_link_info{id="28466",prog_id="63086",type="7"} 1)",
      }) {
    EXPECT_THAT(lines, Contains(line));
  }
}

TEST(CompatTest, KeepsOurOwnMetricsAndNothingTwice) {
  MetricBatch batch;
  const Snapshot host = Host();
  const CensusView view = CensusViewBuilder({}).Build(host);
  for (const auto& collector : MakeCollectors({.compat = true}))
    EXPECT_TRUE(collector->Collect(view, batch));
  EXPECT_NE(FindFamily(batch, "bpf_program_runs_total"), nullptr);
  EXPECT_EQ(FindFamily(batch, "bpf_program_load_time"), nullptr);
  EXPECT_EQ(FindFamily(batch, "bpf_map_max_entries_total"), nullptr);
  const auto valid = Validate(batch);
  EXPECT_TRUE(valid) << valid.error().message;
}

}  // namespace
}  // namespace bpftally
