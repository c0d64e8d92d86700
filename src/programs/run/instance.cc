#include "programs/run/instance.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <utility>

namespace bpftally {
namespace {

// Returns FNV-1a over the content of a file, or 0 if it cannot be read.
uint64_t HashOfFile(const std::string& path) {
  constexpr uint64_t kBasis = 0xcbf29ce484222325;
  constexpr uint64_t kPrime = 0x100000001b3;
  std::ifstream file(path, std::ios::binary);
  if (!file) return 0;
  uint64_t hash = kBasis;
  std::array<char, 65536> block{};
  while (file.read(block.data(), block.size()) || file.gcount() > 0) {
    for (const char byte : std::span(block).first(static_cast<size_t>(file.gcount())))
      hash = (hash ^ static_cast<unsigned char>(byte)) * kPrime;
  }
  return hash;
}

Error NothingRuns() {
  return {ErrorKind::kUnsupported, 0,
          "nothing of it runs: the kernel refused each of its programs"};
}

// Returns what decides about the object in the kernel, without what only decides how it is read.
ProgramPlan KernelPart(const ProgramPlan& plan) {
  ProgramPlan part = plan;
  part.sources.clear();
  part.description.clear();
  part.needs.clear();
  part.scope.clear();
  part.const_labels.clear();
  part.self = {};
  return part;
}

}  // namespace

std::string_view InstanceStateName(InstanceState state) {
  switch (state) {
    case InstanceState::kLoading:
      return "loading";
    case InstanceState::kRunning:
      return "running";
    case InstanceState::kDegraded:
      return "degraded";
    case InstanceState::kFailed:
      return "failed";
    case InstanceState::kStopping:
      return "stopping";
  }
  return "failed";
}

// Holds what an instance shares with those that adopt it.
struct ProgramInstance::InKernel {
  std::shared_ptr<LoadedProgram> loaded;
  std::unique_ptr<CgroupIdMap> cgroups;  // null if the plan has none; freed before `loaded`
  int64_t loaded_at_ns = 0;              // wall clock
};

ProgramInstance::ProgramInstance(ProgramPlan plan, const InstanceHost& host)
    : plan_(std::move(plan)), host_(host) {}

ProgramInstance::~ProgramInstance() = default;

std::shared_ptr<ProgramInstance> ProgramInstance::Load(ProgramPlan plan, const ObjectLoader& load,
                                                       const InstanceHost& host, Notices& said) {
  std::shared_ptr<ProgramInstance> instance(new ProgramInstance(std::move(plan), host));
  instance->object_hash_ = HashOfFile(instance->plan_.object);  // first: a later change is noticed
  if (auto parts = instance->LoadParts(load)) {
    instance->kernel_ = std::move(*parts);
    instance->sources_ =
        std::make_unique<ProgramSources>(instance->plan_, instance->kernel_->loaded,
                                         instance->kernel_->loaded_at_ns, host, nullptr, said);
  } else {
    instance->errors_.push_back(std::move(parts.error()));
  }
  instance->Describe();
  return instance;
}

std::shared_ptr<ProgramInstance> ProgramInstance::Adopt(ProgramPlan plan,
                                                        const ProgramInstance& old, Notices& said) {
  std::shared_ptr<ProgramInstance> instance(new ProgramInstance(std::move(plan), old.host_));
  instance->object_hash_ = old.object_hash_;
  instance->kernel_ = old.kernel_;
  instance->errors_ = old.errors_;
  instance->sources_ = std::make_unique<ProgramSources>(instance->plan_, old.kernel_->loaded,
                                                        old.kernel_->loaded_at_ns, old.host_,
                                                        old.sources_.get(), said);
  instance->started_ = old.Status().state != InstanceState::kLoading;
  instance->Describe();
  return instance;
}

// Fails if nothing of it runs. The errors of parts that do not run beside the rest go to errors_.
Result<std::shared_ptr<ProgramInstance::InKernel>> ProgramInstance::LoadParts(
    const ObjectLoader& load) {
  auto loaded = load(plan_);
  if (!loaded) return std::unexpected(std::move(loaded.error()));
  for (const AttachStatus& status : (*loaded)->statuses())
    if (status.error) errors_.push_back(*status.error);
  if (!(*loaded)->runs()) return std::unexpected(NothingRuns());
  auto parts = std::make_shared<InKernel>();
  parts->loaded = *std::move(loaded);
  parts->loaded_at_ns = host_.clock.WallNanoseconds();
  if (plan_.cgroup_id_map) {
    auto cgroups = CgroupIdMap::Make(*plan_.cgroup_id_map, *parts->loaded, "");
    if (!cgroups) return std::unexpected(std::move(cgroups.error()));
    parts->cgroups = *std::move(cgroups);
  }
  return parts;
}

bool ProgramInstance::Runs(const ProgramPlan& plan) const {
  return kernel_ != nullptr && plan == plan_ && object_hash_ == HashOfFile(plan.object);
}

bool ProgramInstance::CanAdopt(const ProgramPlan& plan) const {
  return kernel_ != nullptr && KernelPart(plan) == KernelPart(plan_) &&
         object_hash_ == HashOfFile(plan.object);
}

Result<void> ProgramInstance::Start() {
  if (kernel_ != nullptr && kernel_->cgroups != nullptr && !started_) {
    if (auto started = kernel_->cgroups->Start(); !started) return started;
  }
  const std::lock_guard lock(mutex_);
  started_ = true;
  return {};
}

void ProgramInstance::Retire() {
  const std::lock_guard lock(mutex_);
  retired_ = true;
}

const LoadedProgram* ProgramInstance::loaded() const {
  return kernel_ == nullptr ? nullptr : kernel_->loaded.get();
}

// Fills in the status that is known before the first poll.
void ProgramInstance::Describe() {
  status_.name = plan_.name;
  status_.file = plan_.file;
  status_.wanted = plan_.functions;
  status_.self = plan_.self;
  if (kernel_ == nullptr) return;
  status_.loaded_at_ns = kernel_->loaded_at_ns;
  status_.functions = Functions(false);
  status_.metrics = sources_->MetricsBeforePolls();
}

void ProgramInstance::EndPoll(bool run_stats, Notices& said) {
  if (kernel_ == nullptr) return;
  sources_->EndPoll();
  if (kernel_->cgroups != nullptr) {
    if (auto complaint = kernel_->cgroups->TakeComplaint())
      said.push_back({Notice::Severity::kWarning, complaint->message});
  }
  auto functions = Functions(run_stats);
  auto metrics = sources_->Metrics();
  auto spans = sources_->Spans();
  const std::lock_guard lock(mutex_);
  status_.functions = std::move(functions);
  status_.metrics = std::move(metrics);
  status_.spans = std::move(spans);
  status_.decoder_errors = sources_->decoder_errors();
}

std::vector<FunctionStatus> ProgramInstance::Functions(bool run_stats) const {
  std::vector<FunctionStatus> functions;
  for (const AttachStatus& attach : kernel_->loaded->statuses()) {
    functions.push_back({.attach = attach, .run_stats = std::nullopt});
    if (!run_stats || attach.id == 0) continue;
    if (const auto stats = kernel_->loaded->RunStats(functions.size() - 1))
      functions.back().run_stats = *stats;
  }
  return functions;
}

InstanceStatus ProgramInstance::Status() const {
  const std::lock_guard lock(mutex_);
  InstanceStatus status = status_;
  status.state = StateOf(status);
  status.problem = ProblemOf(status);
  return status;
}

InstanceState ProgramInstance::StateOf(const InstanceStatus& status) const {
  if (kernel_ == nullptr) return InstanceState::kFailed;
  if (retired_) return InstanceState::kStopping;
  if (!started_) return InstanceState::kLoading;
  return ProblemOf(status).empty() ? InstanceState::kRunning : InstanceState::kDegraded;
}

std::string ProgramInstance::ProblemOf(const InstanceStatus& status) const {
  if (!errors_.empty()) return errors_.back().message;
  const auto missing = std::ranges::find_if(
      status.metrics, [](const MetricStatus& metric) { return metric.problem.has_value(); });
  if (missing == status.metrics.end()) return "";
  return missing->name + ": " + missing->problem->message;
}

}  // namespace bpftally
