#include "programs/frontends/check.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ranges>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "model/type_names.h"
#include "programs/object/object_facts.h"
#include "programs/plan/conflicts.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

std::string_view Name(Finding::Severity severity) {
  return severity == Finding::Severity::kError ? "error" : "warning";
}

std::string_view Name(MetricType type) {
  switch (type) {
    case MetricType::kCounter:
      return "counter";
    case MetricType::kHistogram:
      return "histogram";
    case MetricType::kGauge:
      break;
  }
  return "gauge";
}

std::string Count(size_t count, std::string_view what) {
  return fmt::format("{} {}{}", count, what, count == 1 ? "" : "s");
}

size_t CountOf(const CheckReport& report, const std::string& file, Finding::Severity severity) {
  return static_cast<size_t>(std::ranges::count_if(
      report.findings, [&](const Finding& f) { return f.file == file && f.severity == severity; }));
}

std::string Summary(const CheckReport& report, const PlannedFile& file) {
  std::string summary = fmt::format(
      "{}: {}, {}, {}", file.file, Count(file.plan.metrics.size(), "metric"),
      Count(file.object.maps.size(), "map"), Count(file.object.programs.size(), "program"));
  if (!file.plan.spans.empty()) summary += ", " + Count(file.plan.spans.size(), "span");
  const size_t errors = CountOf(report, file.file, Finding::Severity::kError);
  const size_t warnings = CountOf(report, file.file, Finding::Severity::kWarning);
  if (errors > 0) summary += ", " + Count(errors, "error");
  if (warnings > 0) summary += ", " + Count(warnings, "warning");
  return summary;
}

// JSON.

std::string Json(std::string_view text) {
  std::string out = "\"";
  for (const char c : ToValidUtf8(text)) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      out += fmt::format("\\u{:04x}", c);
    } else {
      out += c;
    }
  }
  return out + '"';
}

template <typename Items, typename ToItem>
std::string JsonList(const Items& items, ToItem to_item) {
  std::string out = "[";
  for (const auto& item : items) {
    if (out.size() > 1) out += ", ";
    out += to_item(item);
  }
  return out + "]";
}

std::string Json(const Finding& finding) {
  return fmt::format(R"({{"severity": "{}", "file": {}, "line": {}, "column": {}, "message": {}}})",
                     Name(finding.severity), Json(finding.file), finding.at.line, finding.at.column,
                     Json(finding.message));
}

std::string Json(const LabelPlan& label) { return Json(label.name); }

std::string Json(const MetricPlan& metric) {
  return fmt::format(R"({{"name": {}, "type": "{}", "map": {}, "labels": {}, "usable": {}}})",
                     Json(metric.name), Name(metric.type), Json(metric.map),
                     JsonList(metric.labels, [](const LabelPlan& label) { return Json(label); }),
                     !metric.unusable);
}

std::string Json(const ObjectMap& map) {
  return fmt::format(
      R"({{"name": {}, "type": {}, "key_size": {}, "value_size": {}, "max_entries": {}}})",
      Json(map.name), Json(MapTypeName(map.type)), map.key_size, map.value_size, map.max_entries);
}

std::string Json(const FunctionPlan& program) {
  return fmt::format(R"({{"name": {}, "section": {}}})", Json(program.name), Json(program.section));
}

std::string Json(const PlannedFile& file) {
  const auto to_json = [](const auto& item) { return Json(item); };
  return fmt::format(R"({{"file": {}, "metrics": {}, "maps": {}, "programs": {}, "spans": {}}})",
                     Json(file.file), JsonList(file.plan.metrics, to_json),
                     JsonList(file.object.maps, to_json), JsonList(file.object.programs, to_json),
                     JsonList(file.plan.spans, [](const SpanPlan& s) { return Json(s.name); }));
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
  const auto to_json = [](const auto& item) { return Json(item); };
  return fmt::format("{{\"ok\": {}, \"files\": {}, \"findings\": {}}}\n", report.ok(),
                     JsonList(report.files, to_json), JsonList(report.findings, to_json));
}

}  // namespace bpftally
