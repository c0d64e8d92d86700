// Prints what the code knows and the documents repeat, for docs_test.py: one line a metric family,
// command, flag or decoder, its fields separated by tabs.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <cstdio>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "collect/collector.h"
#include "collect/collector_set.h"
#include "collect/test_snapshots.h"
#include "commands/command_line.h"
#include "commands/commands.h"
#include "daemon/control.h"
#include "daemon/otlp_collector.h"
#include "programs/decode/decoder.h"
#include "programs/run/families.h"

namespace bpftally {
namespace {

// Every collector on, over a snapshot in which every field is known: so no family is left out.
void CollectEverything(MetricBatch& batch) {
  CollectOptions options;
  options.program_maps = true;
  auto collectors = MakeCollectors(options);
  collectors.push_back(MakeOtlpCollector([] { return std::vector<OtlpEndpointStats>(); }));
  collectors.push_back(MakeReloadCollector([] { return ReloadStatus(); }));
  CollectorSet(std::move(collectors), options, SystemClock()).Collect(FullSnapshot(), batch);
  const std::array programs = {InstanceStatus{.self = {.prefix = "ebpf_exporter_"}}};
  AddSelfFamilies(programs, true, batch);
  AddProgramFamilies({}, batch);
}

void PrintMetrics() {
  MetricBatch batch;
  CollectEverything(batch);
  for (const MetricFamily& family : batch.families()) {
    const FamilySpec& spec = family.spec;
    const auto owner = family.collector.empty() ? "collectors" : family.collector;
    fmt::print("metric\t{}\t{}\t{}\t{}\t{}\t{}\n", owner, spec.name, MetricTypeName(spec.type),
               spec.unit, fmt::join(spec.label_names, " "), spec.help);
  }
}

void PrintCommands() {
  for (const Command& command : AllCommands())
    fmt::print("command\tall\t{}\t{}\t{}\n", command.name, command.operands, command.summary);
}

void PrintFlags() {
  for (const OptionDescription& option : DescribeOptions())
    fmt::print("flag\t{}\t{}\t{}\t{}\t{}\t{}\n", option.section, option.name, option.argument,
               option.default_value, option.help, fmt::join(option.commands, " "));
}

void PrintDecoders() {
  for (const std::string_view name : DecoderNames()) fmt::print("decoder\t{}\n", name);
}

}  // namespace
}  // namespace bpftally

int main() {
  bpftally::PrintMetrics();
  bpftally::PrintCommands();
  bpftally::PrintFlags();
  bpftally::PrintDecoders();
  return std::ferror(stdout);
}
