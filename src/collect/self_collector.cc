#include "collect/build_info.h"
#include "collect/factories.h"
#include "collect/labels.h"

namespace bpftally {
namespace {

constexpr auto kGauge = MetricType::kGauge;

class SelfCollector final : public Collector {
 public:
  SelfCollector(const CollectOptions& options, std::shared_ptr<const DroppedSeries> dropped)
      : run_stats_(options.run_stats),
        libbpf_version_(options.libbpf_version),
        dropped_(std::move(dropped)) {}

  std::string_view name() const override { return "self"; }
  std::string_view help() const override {
    return "Version, features and resource use of bpftally itself.";
  }

  Result<void> Collect(const CensusView& view, MetricBatch& batch) override {
    const Snapshot& snapshot = view.snapshot;
    AddBuildInfo(batch);
    AddFeatures(snapshot, batch);
    AddRunStats(batch);
    AddDropped(snapshot, batch);
    AddProcess(snapshot, batch);
    return {};
  }

 private:
  void AddBuildInfo(MetricBatch& batch) const {
    batch
        .Add({"bpftally_build_info",
              "Version and revision of this bpftally, and the version of its libbpf.",
              kGauge,
              "",
              {"version", "revision", "libbpf_version"}},
             name())
        .samples.push_back(
            {batch.Labels({BuildVersion(), BuildRevision(), batch.Intern(libbpf_version_)}),
             uint64_t{1}});
  }

  void AddFeatures(const Snapshot& snapshot, MetricBatch& batch) const {
    MetricFamily& family = batch.Add(
        {"bpftally_feature_available",
         "Whether this kernel and our privileges give the feature by that source (1) or not (0).",
         kGauge,
         "",
         {"feature", "source"}},
        name(), snapshot.features.size());
    for (const Feature& feature : snapshot.features)
      family.samples.push_back(
          {batch.Labels({batch.Intern(feature.name), batch.Intern(feature.source)}),
           uint64_t{feature.available ? 1U : 0U}});
  }

  // Tells what bpftally turned on from what somebody forgot: bpf_stats_enabled is 1 for both.
  void AddRunStats(MetricBatch& batch) const {
    AddGauge({"bpftally_run_stats_requested",
              "Whether bpftally itself keeps run statistics on, by --run-stats (1), or not (0).",
              kGauge, ""},
             std::optional<uint64_t>(run_stats_ ? 1 : 0), batch);
  }

  void AddDropped(const Snapshot& snapshot, MetricBatch& batch) const {
    MetricFamily& family =
        batch.Add({"bpftally_series_dropped_total",
                   "Series of single objects left out because of --max-objects, summed over polls.",
                   MetricType::kCounter,
                   "{series}",
                   {"kind"}},
                  name(), kObjectKinds.size());
    for (const ObjectKind kind : kObjectKinds)
      family.samples.push_back({batch.Labels({ObjectKindName(kind)}),
                                dropped_->by_kind[static_cast<size_t>(kind)],
                                ProcessStart(snapshot)});
  }

  // The names that every Prometheus client library uses.
  void AddProcess(const Snapshot& snapshot, MetricBatch& batch) const {
    const ProcessInfo& process = snapshot.process;
    MetricFamily& cpu =
        batch.Add({"process_cpu_seconds_total", "CPU time of bpftally, user and system.",
                   MetricType::kCounter, "s"},
                  name());
    if (process.cpu_seconds)
      cpu.samples.push_back({nullptr, *process.cpu_seconds, ProcessStart(snapshot)});
    AddGauge({"process_resident_memory_bytes", "Resident memory of bpftally.", kGauge, "By"},
             process.resident_bytes, batch);
    AddGauge({"process_virtual_memory_bytes", "Virtual memory of bpftally.", kGauge, "By"},
             process.virtual_bytes, batch);
    AddGauge({"process_open_fds", "Open file descriptors of bpftally.", kGauge, "{fd}"},
             process.open_fds, batch);
    AddGauge({"process_max_fds", "File descriptors that bpftally may open.", kGauge, "{fd}"},
             process.max_fds, batch);
    AddGauge({"process_threads", "Threads of bpftally.", kGauge, "{thread}"}, process.threads,
             batch);
    AddGauge({"process_start_time_seconds", "When bpftally started, in seconds since the epoch.",
              kGauge, "s"},
             process.start_time_seconds, batch);
  }

  template <typename T>
  void AddGauge(FamilySpec spec, const std::optional<T>& value, MetricBatch& batch) const {
    MetricFamily& family = batch.Add(std::move(spec), name());
    if (value) family.samples.push_back({nullptr, *value});
  }

  bool run_stats_;
  std::string libbpf_version_;
  std::shared_ptr<const DroppedSeries> dropped_;
};

}  // namespace

std::unique_ptr<Collector> MakeSelfCollector(const CollectOptions& options,
                                             std::shared_ptr<const DroppedSeries> dropped) {
  return std::make_unique<SelfCollector>(options, std::move(dropped));
}

}  // namespace bpftally
