#include "commands/commands.h"
#include "commands/output.h"
#include "commands/program_list.h"
#include "kernel/real_bpf_sys.h"
#include "programs/frontends/shipped.h"
#include "programs/load/loaded_object.h"
#include "settings/option_rows.h"

namespace bpftally {
namespace {

Result<ExitStatus> ListPrograms(const Options& options, const Clock&) {
  const auto directory = FindProgramDirectory();
  if (!directory) return std::unexpected(directory.error());
  const auto sys = MakeRealBpfSys();
  const auto try_program = [&](const ProgramPlan& plan) -> Result<std::vector<AttachStatus>> {
    const auto loaded = LoadedProgram::Load(plan, {.btf_path = options.programs.btf_path}, *sys);
    if (!loaded) return std::unexpected(loaded.error());
    return (*loaded)->statuses();
  };
  return Print(DescribePrograms(*directory, try_program));
}

}  // namespace

Command ProgramsCommand() {
  return {
      .name = "programs",
      .operands = "",
      .summary =
          "list the metric programs that come with bpftally, and which of them this kernel can run",
      .options = {BtfPathRow()},
      .check = {},
      .run = ListPrograms};
}

}  // namespace bpftally
