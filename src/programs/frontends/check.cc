#include "programs/frontends/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ranges>
#include <string_view>
#include <utility>

#include "base/json_writer.h"
#include "model/type_names.h"
#include "programs/object/object_facts.h"
#include "programs/plan/conflicts.h"
#include "programs/plan/plan.h"
#include "programs/plan/plan_json.h"

namespace bpftally {
namespace {

std::string_view Name(Finding::Severity severity) {
  return severity == Finding::Severity::kError ? "error" : "warning";
}

std::string Count(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

size_t CountOf(auto items) { return static_cast<size_t>(std::ranges::distance(items)); }

size_t CountOf(const CheckReport& report, const std::string& file, Finding::Severity severity) {
  return static_cast<size_t>(std::ranges::count_if(
      report.findings, [&](const Finding& f) { return f.file == file && f.severity == severity; }));
}

std::string Summary(const CheckReport& report, const PlannedFile& file) {
  std::string summary = fmt::format(
      "{}: {}, {}, {}", file.file, Count(CountOf(MetricsOf(file.plan)), "metric"),
      Count(file.object.maps.size(), "map"), Count(file.object.programs.size(), "program"));
  const size_t spans = CountOf(SpansOf(file.plan));
  if (spans > 0) summary += ", " + Count(spans, "span");
  const size_t errors = CountOf(report, file.file, Finding::Severity::kError);
  const size_t warnings = CountOf(report, file.file, Finding::Severity::kWarning);
  if (errors > 0) summary += ", " + Count(errors, "error");
  if (warnings > 0) summary += ", " + Count(warnings, "warning");
  return summary;
}

void Write(const Finding& finding, JsonWriter& json) {
  json.BeginObject()
      .Member("severity", Name(finding.severity))
      .Member("file", finding.file)
      .Member("line", finding.at.line)
      .Member("column", finding.at.column)
      .Member("message", finding.message)
      .EndObject();
}

void Write(const ObjectMap& map, JsonWriter& json) {
  json.BeginObject()
      .Member("name", map.name)
      .Member("type", MapTypeName(map.type))
      .Member("key_size", map.key_size)
      .Member("value_size", map.value_size)
      .Member("max_entries", map.max_entries)
      .EndObject();
}

void Write(const FunctionPlan& function, JsonWriter& json) {
  json.BeginObject().Member("name", function.name).Member("section", function.section).EndObject();
}

void Write(const PlannedFile& file, JsonWriter& json);

void WriteList(const auto& items, JsonWriter& json) {
  json.BeginList();
  for (const auto& item : items) Write(item, json);
  json.EndList();
}

void Write(const PlannedFile& file, JsonWriter& json) {
  json.BeginObject().Member("file", file.file);
  WriteMetrics(file.plan, json.Key("metrics"));
  WriteList(file.object.maps, json.Key("maps"));
  WriteList(file.object.programs, json.Key("programs"));
  WriteSpans(file.plan, json.Key("spans"));
  json.EndObject();
}

void Move(Findings&& from, Findings& to) {
  std::ranges::move(from, std::back_inserter(to));
  from.clear();
}

}  // namespace

CheckReport CheckFiles(std::span<const std::string> files, const KernelCheck& ask_kernel) {
  CheckReport report;
  std::vector<ProgramPlan> plans;
  for (const std::string& file : files) {
    PlannedFile planned = PlanFile(file);
    if (ask_kernel && !HasErrors(planned.findings))
      Move(ask_kernel(planned.plan), planned.findings);
    plans.push_back(planned.plan);
    Move(std::move(planned.findings), report.findings);
    report.files.push_back(std::move(planned));
  }
  Move(CheckTogether(plans), report.findings);
  return report;
}

std::string ToText(const CheckReport& report) {
  std::string out;
  for (Finding finding : report.findings) {
    finding.message = fmt::format("{}: {}", Name(finding.severity), finding.message);
    out += ToString(finding) + "\n";
  }
  for (const PlannedFile& file : report.files) out += Summary(report, file) + "\n";
  return out;
}

std::string ToJson(const CheckReport& report) {
  JsonWriter json;
  json.BeginObject().Member("ok", report.ok());
  WriteList(report.files, json.Key("files"));
  WriteList(report.findings, json.Key("findings"));
  json.EndObject();
  return json.text() + "\n";
}

}  // namespace bpftally
