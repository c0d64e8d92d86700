#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "commands/collection.h"
#include "commands/commands.h"
#include "commands/output.h"
#include "export/prometheus/text_writer.h"
#include "settings/option_rows.h"
#include "settings/option_values.h"

namespace bpftally {
namespace {

Result<ExitStatus> PrintMetrics(const Options& options, const Clock& clock) {
  const auto source = OpenSource(options, clock);
  if (!source) return std::unexpected(source.error());
  const auto programs =
      MetricPrograms::Load(options.programs, {.run_stats = options.reader.run_stats}, clock);
  if (!programs) return std::unexpected(programs.error());
  if (*programs) (*source)->SetOwnPrograms([&own = **programs] { return own.ProgramIds(); });
  const auto collectors = EnabledCollectors(options, clock, programs->get());
  MetricBatch batch;
  const auto deadline = clock.Now() + kPatience;
  collectors->Collect(*(*source)->Take(deadline), batch, deadline);
  std::string text;
  WriteText(batch, options.format, [&](std::string_view chunk) { text += chunk; });
  if (const auto written = WriteOut(text); !written) return std::unexpected(written.error());

  const auto reports = collectors->Reports();
  const bool good = std::ranges::all_of(
      reports, [](const CollectorReport& report) { return report.success.value_or(false); });
  return good ? kExitSuccess : kExitFailure;
}

OptionRow FormatRow() {
  return {"format",
          "text|openmetrics",
          "Command metrics",
          "text",
          "The format to print",
          [](Options& options, const std::string& value) {
            return SetChoice<TextFormat>(options.format, value,
                                         {{"text", TextFormat::kPrometheus004},
                                          {"openmetrics", TextFormat::kOpenMetrics100}});
          }};
}

}  // namespace

Command MetricsCommand() {
  std::vector<OptionRow> options = CollectionRows();
  options.push_back(FormatRow());
  return {
      .name = "metrics",
      .operands = "",
      .summary = "collect once, to standard output; status 0 says that every collector succeeded",
      .options = std::move(options),
      .check = CheckProgramOptions,
      .run = PrintMetrics};
}

}  // namespace bpftally
