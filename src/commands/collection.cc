#include "commands/collection.h"

#include <bpf/libbpf.h>

#include <utility>

#include "commands/command.h"
#include "daemon/otlp_collector.h"
#include "daemon/process.h"
#include "settings/option_rows.h"

namespace bpftally {

Result<std::unique_ptr<SnapshotSource>> OpenSource(const Options& options, const Clock& clock) {
  RaiseFileLimit();
  return options.replay.empty() ? OpenKernel(options.reader, clock)
                                : OpenReplay(options.replay, clock);
}

std::string DescribeSource(const Options& options) {
  return options.replay.empty() ? "the kernel of this host" : "a replay of " + options.replay;
}

std::unique_ptr<CollectorSet> EnabledCollectors(const Options& options, const Clock& clock,
                                                MetricPrograms* programs, const OtlpPusher* pusher,
                                                const Control* control) {
  CollectOptions collect = options.collect;
  collect.run_stats = options.reader.run_stats;
  collect.libbpf_version = libbpf_version_string();
  auto collectors = MakeCollectors(collect);
  std::erase_if(collectors, [&](const auto& collector) {
    return options.disabled_collectors.contains(collector->name());
  });
  if (programs != nullptr) collectors.push_back(programs->MakeCollector());
  if (pusher != nullptr)
    collectors.push_back(MakeOtlpCollector([pusher] { return pusher->Stats(); }));
  if (control != nullptr)
    collectors.push_back(MakeReloadCollector([control] { return control->status(); }));
  return std::make_unique<CollectorSet>(std::move(collectors), collect, clock);
}

std::vector<OptionRow> CollectionRows() {
  std::vector<OptionRow> rows = CensusRows();
  Append(rows, CollectorRows());
  Append(rows, ProgramRows());
  rows.push_back(BtfPathRow());
  return rows;
}

}  // namespace bpftally
