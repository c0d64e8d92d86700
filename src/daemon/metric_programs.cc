#include "daemon/metric_programs.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <filesystem>
#include <utility>

#include "host/cpus.h"
#include "kernel/map_handle.h"
#include "kernel/real_bpf_sys.h"
#include "programs/frontends/shipped.h"
#include "programs/load/post_attach_mark.h"
#include "programs/plan/plan.h"
#include "programs/read/map_dump.h"
#include "programs/run/families.h"

namespace bpftally {
namespace {

void Log(const Notices& said) {
  for (const Notice& notice : said) {
    switch (notice.severity) {
      case Notice::Severity::kInfo:
        spdlog::info("{}", notice.text);
        break;
      case Notice::Severity::kWarning:
        spdlog::warn("{}", notice.text);
        break;
      case Notice::Severity::kError:
        spdlog::error("{}", notice.text);
        break;
    }
  }
}

class ProgramsCollector final : public Collector {
 public:
  explicit ProgramsCollector(ProgramTable& table) : table_(table) {}

  std::string_view name() const override { return kMetricPrograms; }
  std::string_view help() const override { return "What the metric programs count."; }

  Result<void> Collect(const CensusView& view, MetricBatch& batch) override {
    Notices said;
    auto collected = table_.Collect(view.deadline, batch, said);
    Log(said);
    return collected;
  }

 private:
  ProgramTable& table_;
};

// Returns NAME.yaml of each configuration that is now in the directory, sorted.
Result<std::vector<std::string>> AllFilesIn(const std::string& directory) {
  namespace fs = std::filesystem;
  std::error_code error;
  std::vector<std::string> files;
  for (fs::directory_iterator at(directory, error), end; !error && at != end; at.increment(error))
    if (at->path().extension() == ".yaml") files.push_back(at->path().string());
  if (error) {
    return std::unexpected(Error{ErrorKind::kInvalid, error.value(),
                                 fmt::format("--config.dir {}: {}", directory, error.message())});
  }
  std::ranges::sort(files);
  return files;
}

Result<std::vector<std::string>> FilesOf(const ProgramOptions& options) {
  std::vector<std::string> files;
  if (!options.directory.empty() && options.names.empty()) {
    auto all = AllFilesIn(options.directory);
    if (!all) return all;
    files = *std::move(all);
  }
  for (const std::string& name : options.names)
    files.push_back(fmt::format("{}/{}.yaml", options.directory, name));
  if (options.shipped.empty()) return files;
  const auto directory = FindProgramDirectory();
  if (!directory) return std::unexpected(directory.error());
  const auto shipped = FilesOfPrograms(*directory, options.shipped);
  if (!shipped) return std::unexpected(Wrap(shipped.error(), "--programs"));
  files.insert(files.end(), shipped->begin(), shipped->end());
  return files;
}

// Returns the plans of these files, or one error with all their mistakes.
Result<std::vector<ProgramPlan>> PlanAll(const std::vector<std::string>& files) {
  CheckReport report = CheckFiles(files);
  std::string errors;
  for (const Finding& finding : report.findings) {
    if (finding.severity == Finding::Severity::kWarning) {
      spdlog::warn("{}", ToString(finding));
    } else {
      errors += (errors.empty() ? "" : "\n") + ToString(finding);
    }
  }
  if (!errors.empty()) return std::unexpected(Error{ErrorKind::kInvalid, 0, errors});
  std::vector<ProgramPlan> plans;
  for (PlannedFile& file : report.files) plans.push_back(std::move(file.plan));
  return plans;
}

Finding KernelFinding(const ProgramPlan& plan, const Error& error) {
  return {Finding::Severity::kError, plan.file, {}, error.message};
}

std::string Summary(const ChangeReport& report) {
  std::vector<std::string> parts;
  const auto add = [&](std::string_view what, const std::vector<std::string>& names) {
    if (!names.empty()) parts.push_back(fmt::format("{} {}", what, fmt::join(names, ", ")));
  };
  add("added", report.added);
  add("replaced", report.replaced);
  add("read in another way", report.adopted);
  add("removed", report.removed);
  add("as before", report.kept);
  return parts.empty() ? "no metric program runs" : fmt::format("{}", fmt::join(parts, "; "));
}

}  // namespace

MetricPrograms::MetricPrograms(std::unique_ptr<BpfSys> sys, size_t possible_cpus,
                               ProgramOptions options, TableOptions table, const Clock& clock)
    : sys_(std::move(sys)),
      event_sys_(MakeRealBpfSys()),
      possible_cpus_(possible_cpus),
      options_(std::move(options)),
      clock_(clock),
      wants_spans_(table.spans) {
  const auto load = [this](const ProgramPlan& plan) {
    return LoadedProgram::Load(plan, {.btf_path = options_.btf_path}, *sys_);
  };
  table.max_series = options_.max_series;
  table_ = std::make_unique<ProgramTable>(TableHost{.sys = *sys_,
                                                    .clock = clock,
                                                    .sources = HostSourcesOf(*sys_),
                                                    .event_sources = HostSourcesOf(*event_sys_),
                                                    .possible_cpus = possible_cpus,
                                                    .load = load},
                                          table);
}

MetricPrograms::~MetricPrograms() = default;

Result<std::unique_ptr<MetricPrograms>> MetricPrograms::Load(const ProgramOptions& options,
                                                             TableOptions table,
                                                             const Clock& clock) {
  if (options.directory.empty() && options.names.empty() && options.shipped.empty()) return nullptr;
  auto sys = MakeRealBpfSys();
  const auto cpus = PossibleCpus(*sys);
  if (!cpus) return std::unexpected(cpus.error());
  std::unique_ptr<MetricPrograms> programs(
      new MetricPrograms(std::move(sys), *cpus, options, table, clock));
  if (auto applied = programs->Apply({.strict = options.strict}); !applied)
    return std::unexpected(applied.error());
  post_attach_mark();
  return programs;
}

Result<ChangeReport> MetricPrograms::Apply(const ChangeRules& rules) {
  const auto files = FilesOf(options_);
  if (!files) return std::unexpected(files.error());
  auto plans = PlanAll(*files);
  if (!plans) return std::unexpected(plans.error());
  auto changed = table_->Reload(*std::move(plans), rules);
  // Returns the memory that loading took from the heap: the kernel's types alone are some 12 MB,
  // which glibc would keep.
  static_cast<void>(::malloc_trim(0));
  if (!changed && rules.strict)
    return std::unexpected(Wrap(changed.error(), "not all runs, as --config.strict demands"));
  if (!changed) return changed;
  Log(changed->said);
  WarnOfSpans(*changed);
  return changed;
}

void MetricPrograms::WarnOfSpans(const ChangeReport& report) const {
  if (wants_spans_) return;
  const auto instances = table_->Instances();
  for (const auto& instance : *instances) {
    const ProgramPlan& plan = instance->plan();
    if (std::ranges::empty(SpansOf(plan)) ||
        std::ranges::find(report.kept, plan.name) != report.kept.end())
      continue;
    spdlog::warn("the spans of {} are not read: they go nowhere without --otlp-grpc or --otlp-http",
                 plan.name);
  }
}

Result<void> MetricPrograms::Start() { return table_->Start(); }

Result<std::string> MetricPrograms::Reload(bool kept_all) {
  auto changed = Apply({.strict = options_.strict, .needs_permission = !kept_all});
  if (changed) return Summary(*changed);
  Error error = std::move(changed.error());
  if (!kept_all && error.kind == ErrorKind::kPermission) {
    error.message +=
        "\nthis process gave capabilities up at its start: restart it to load what is new, or "
        "start it with --capabilities.keep=bpf,perfmon,… so that a reload can";
  }
  return std::unexpected(std::move(error));
}

std::unique_ptr<Collector> MetricPrograms::MakeCollector() {
  return std::make_unique<ProgramsCollector>(*table_);
}

std::vector<uint32_t> MetricPrograms::ProgramIds() const {
  std::vector<uint32_t> ids;
  const auto instances = table_->Instances();  // keeps them alive while they are asked
  for (const auto& instance : *instances) {
    if (instance->loaded() == nullptr) continue;
    for (const AttachStatus& status : instance->loaded()->statuses())
      if (status.id != 0) ids.push_back(status.id);
  }
  return ids;
}

bool MetricPrograms::all_loaded() const {
  const auto instances = table_->Instances();
  return std::ranges::all_of(*instances,
                             [](const auto& instance) { return instance->loaded() != nullptr; });
}

std::string MetricPrograms::DumpMaps(std::chrono::steady_clock::time_point deadline) const {
  MapReader reader(*sys_, clock_, possible_cpus_);
  std::string text;
  const auto instances = table_->Instances();
  for (const auto& instance : *instances) {
    if (instance->loaded() == nullptr) continue;
    text += fmt::format("## {}\n", instance->plan().name);
    for (const MapHandle& map : instance->loaded()->maps()) text += DumpMap(map, reader, deadline);
  }
  return text;
}

KernelCheck AskThisKernel(BpfSys& sys, bool attach, const std::string& btf_path) {
  return [&sys, attach, btf_path](const ProgramPlan& plan) {
    Findings findings;
    const auto loaded = LoadedProgram::Load(plan, {.btf_path = btf_path, .attach = attach}, sys);
    if (!loaded) {
      findings.push_back(KernelFinding(plan, loaded.error()));
      return findings;
    }
    for (const AttachStatus& status : (*loaded)->statuses())
      if (status.error) findings.push_back(KernelFinding(plan, *status.error));
    return findings;
  };
}

}  // namespace bpftally
