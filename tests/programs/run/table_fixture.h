#pragma once

#include <gmock/gmock.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "export/prometheus/text_writer.h"
#include "host/cpus.h"
#include "programs/load/loader_fixture.h"
#include "programs/plan/plan.h"
#include "programs/run/program_table.h"

namespace bpftally {

// Fixture for tests of a ProgramTable with the real kernel.
class TableTest : public LoaderTest {
 protected:
  void MakeTable(const TableOptions& options = {}, const LoadOptions& load = {}) {
    cpus_ = PossibleCpus(*sys_).value();
    table_.emplace(TableHost{.sys = *sys_,
                             .clock = SystemClock(),
                             .sources = {},
                             .event_sources = {},
                             .possible_cpus = cpus_,
                             .load =
                                 [this, load](const ProgramPlan& plan) {
                                   return LoadedProgram::Load(plan, load, *sys_);
                                 }},
                   options);
  }

  // Returns the program that the table has loaded, or null if the kernel refuses it.
  const LoadedProgram* AddToTable(ProgramPlan plan) {
    plan.self = {.prefix = "ebpf_exporter_"};
    const auto added = table_->Add(std::move(plan));
    EXPECT_TRUE(added) << added.error().message;
    return table_->Instances()->back()->loaded();
  }

  Result<void> Collect(std::chrono::seconds patience = std::chrono::seconds(60)) {
    batch_ = {};
    Notices said;
    return table_->Collect(SystemClock().Now() + patience, batch_, said);
  }

  const MetricFamily& Family(std::string_view name) const {
    return *std::ranges::find(batch_.families(), name,
                              [](const MetricFamily& family) { return family.spec.name; });
  }

  // Returns the sample lines of a family, sorted.
  std::vector<std::string> Lines(std::string_view name) const {
    std::string text;
    WriteText(
        batch_, TextFormat::kPrometheus004, [&](std::string_view piece) { text += piece; },
        [&](const MetricFamily& family) { return family.spec.name == name; });
    std::vector<std::string> lines;
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find('\n', at);
      if (text[at] != '#') lines.push_back(text.substr(at, end - at));
      at = end + 1;
    }
    std::ranges::sort(lines);
    return lines;
  }

  // Polls again and again, as events take a moment. `expected` must be sorted.
  void ExpectLinesSoon(std::string_view name, const std::vector<std::string>& expected) {
    const auto give_up = SystemClock().Now() + std::chrono::seconds(20);
    do {
      EXPECT_TRUE(Collect());
      if (Lines(name) == expected) return;
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    } while (SystemClock().Now() < give_up);
    EXPECT_EQ(Lines(name), expected);
  }

  size_t cpus_ = 0;
  std::optional<ProgramTable> table_;
  MetricBatch batch_;
};

}  // namespace bpftally
