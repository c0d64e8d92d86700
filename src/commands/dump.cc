#include <spdlog/spdlog.h>

#include "commands/collection.h"
#include "commands/commands.h"
#include "commands/output.h"
#include "model/snapshot_yaml.h"
#include "settings/option_rows.h"

namespace bpftally {
namespace {

Result<ExitStatus> Dump(const Options& options, const Clock& clock) {
  const auto source = OpenSource(options, clock);
  if (!source) return std::unexpected(source.error());
  const auto snapshot = (*source)->Take(clock.Now() + kPatience);
  if (const auto written = WriteOut(SnapshotToYaml(*snapshot)); !written)
    return std::unexpected(written.error());

  ExitStatus status = kExitSuccess;
  for (const ObjectKind kind : kObjectKinds) {
    const KindStatus& walk = snapshot->StatusOf(kind);
    if (walk.complete) continue;
    spdlog::error("{}: {}", ObjectKindName(kind), walk.error ? walk.error->message : "incomplete");
    status = kExitFailure;
  }
  return status;
}

}  // namespace

Command DumpCommand() {
  return {.name = "dump",
          .operands = "",
          .summary =
              "write what the kernel said as YAML, to standard output; --replay FILE serves it "
              "anywhere",
          .options = CensusRows(),
          .check = {},
          .run = Dump};
}

}  // namespace bpftally
