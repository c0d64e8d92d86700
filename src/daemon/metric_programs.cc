#include "daemon/metric_programs.h"

#include <fmt/format.h>
#include <malloc.h>
#include <spdlog/spdlog.h>

#include <algorithm>
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

class ProgramsCollector final : public Collector {
 public:
  explicit ProgramsCollector(ProgramRunner& runner) : runner_(runner) {}

  std::string_view name() const override { return kMetricPrograms; }
  std::string_view help() const override { return "What the metric programs count."; }

  Result<void> Collect(const CensusView& view, MetricBatch& batch) override {
    return runner_.Collect(view.deadline, batch);
  }

 private:
  ProgramRunner& runner_;
};

Result<std::vector<std::string>> FilesOf(const ProgramOptions& options) {
  std::vector<std::string> files;
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

// The plans of these files; all that is wrong with them in one error.
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

Error NothingRuns() {
  return {ErrorKind::kUnsupported, 0,
          "nothing of it runs: the kernel refused each of its programs"};
}

}  // namespace

MetricPrograms::MetricPrograms(std::unique_ptr<BpfSys> sys, size_t possible_cpus,
                               RunnerOptions options, const Clock& clock)
    : sys_(std::move(sys)),
      event_sys_(MakeRealBpfSys()),
      possible_cpus_(possible_cpus),
      clock_(clock),
      wants_spans_(options.spans),
      runner_({.sys = *sys_,
               .clock = clock,
               .sources = HostSourcesOf(*sys_),
               .event_sources = HostSourcesOf(*event_sys_),
               .possible_cpus = possible_cpus},
              options) {}

Result<std::unique_ptr<MetricPrograms>> MetricPrograms::Load(const ProgramOptions& options,
                                                             RunnerOptions runner,
                                                             const Clock& clock) {
  const auto files = FilesOf(options);
  if (!files) return std::unexpected(files.error());
  if (files->empty()) return nullptr;
  auto plans = PlanAll(*files);
  if (!plans) return std::unexpected(plans.error());
  auto sys = MakeRealBpfSys();
  const auto cpus = PossibleCpus(*sys);
  if (!cpus) return std::unexpected(cpus.error());
  runner.max_series = options.max_series;
  std::unique_ptr<MetricPrograms> programs(
      new MetricPrograms(std::move(sys), *cpus, runner, clock));
  for (ProgramPlan& plan : *plans)
    if (auto loaded = programs->LoadOne(std::move(plan), options); !loaded)
      return std::unexpected(loaded.error());
  post_attach_mark();
  // What loading took is on the heap: the kernel's types alone are some 12 MB, which glibc would
  // keep.
  static_cast<void>(::malloc_trim(0));
  return programs;
}

// An error only where the options are strict.
Result<void> MetricPrograms::LoadOne(ProgramPlan plan, const ProgramOptions& options) {
  const std::string name = plan.name;
  std::vector<Error> errors;
  if (auto added = LoadInto(plan, options, errors); !added) {
    errors.push_back(added.error());
    runner_.AddFailed(std::move(plan));
  }
  for (Error& error : errors) {
    error = Wrap(std::move(error), name);
    spdlog::error("{}", error.message);
  }
  if (errors.empty() || !options.strict) return {};
  return std::unexpected(Wrap(errors[0], "not all runs, as --config.strict demands"));
}

// An error: nothing of it runs, and the plan is as it was. `errors`: which parts do not run, and
// why.
Result<void> MetricPrograms::LoadInto(ProgramPlan& plan, const ProgramOptions& options,
                                      std::vector<Error>& errors) {
  auto loaded = LoadedProgram::Load(plan, {.btf_path = options.btf_path}, *sys_);
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  for (const AttachStatus& status : (*loaded)->statuses())
    if (status.error) errors.push_back(*status.error);
  if (!(*loaded)->runs()) return std::unexpected(NothingRuns());
  std::unique_ptr<CgroupIdMap> cgroups;
  if (plan.cgroup_id_map) {
    auto made = CgroupIdMap::Make(*plan.cgroup_id_map, **loaded, "");
    if (!made) return std::unexpected(std::move(made.error()));
    cgroups = *std::move(made);
  }
  if (!std::ranges::empty(SpansOf(plan))) {
    has_spans_ = wants_spans_;
    if (!wants_spans_)
      spdlog::warn(
          "the spans of {} are not read: they go nowhere without --otlp-grpc or "
          "--otlp-http",
          plan.name);
  }
  runner_.Add(std::move(plan), *std::move(loaded), std::move(cgroups));
  return {};
}

std::unique_ptr<Collector> MetricPrograms::MakeCollector() {
  return std::make_unique<ProgramsCollector>(runner_);
}

std::vector<uint32_t> MetricPrograms::ProgramIds() const {
  std::vector<uint32_t> ids;
  for (const auto& program : runner_.programs()) {
    if (program->loaded == nullptr) continue;
    for (const AttachStatus& status : program->loaded->statuses())
      if (status.id != 0) ids.push_back(status.id);
  }
  return ids;
}

bool MetricPrograms::all_loaded() const {
  return std::ranges::all_of(runner_.programs(),
                             [](const auto& program) { return program->loaded != nullptr; });
}

std::string MetricPrograms::DumpMaps(std::chrono::steady_clock::time_point deadline) const {
  MapReader reader(*sys_, clock_, possible_cpus_);
  std::string text;
  for (const auto& program : runner_.programs()) {
    if (program->loaded == nullptr) continue;
    text += fmt::format("## {}\n", program->name);
    for (const MapHandle& map : program->loaded->maps()) text += DumpMap(map, reader, deadline);
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
