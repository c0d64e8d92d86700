#include "programs/frontends/check.h"

#include "commands/commands.h"
#include "commands/output.h"
#include "daemon/metric_programs.h"
#include "kernel/real_bpf_sys.h"
#include "settings/option_rows.h"
#include "settings/option_values.h"

namespace bpftally {
namespace {

constexpr const char* kSection = "Command check";

Result<ExitStatus> Check(const Options& options, const Clock&) {
  const CheckOptions& check = options.check;
  const auto sys = MakeRealBpfSys();
  KernelCheck ask_kernel;
  if (check.load || check.attach)
    ask_kernel = AskThisKernel(*sys, check.attach, options.programs.btf_path);
  const CheckReport report = CheckFiles(options.operands, ask_kernel);
  if (const auto written = WriteOut(check.json ? ToJson(report) : ToText(report)); !written)
    return std::unexpected(written.error());
  return report.ok() ? kExitSuccess : kExitConfig;
}

std::vector<OptionRow> CheckRows() {
  return {
      BtfPathRow(),
      {"load", "", kSection, "", "Also have the verifier of this kernel check the BPF programs",
       [](Options& o, const std::string& value) { return SetSwitch(o.check.load, value); }},
      {"attach", "", kSection, "", "Also attach them, for a moment",
       [](Options& o, const std::string& value) { return SetSwitch(o.check.attach, value); }},
      {"json", "", kSection, "", "Print JSON",
       [](Options& o, const std::string& value) { return SetSwitch(o.check.json, value); }},
  };
}

void NeedFiles(const Options& options, std::vector<std::string>& findings) {
  if (options.operands.empty()) findings.emplace_back("check needs the name of a file");
}

}  // namespace

Command CheckCommand() {
  return {.name = "check",
          .operands = "FILE…",
          .summary = "say what is wrong with configurations of metric programs; needs no privilege",
          .options = CheckRows(),
          .check = NeedFiles,
          .run = Check};
}

}  // namespace bpftally
