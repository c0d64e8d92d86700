#include <map>

#include "collect/factories.h"
#include "collect/labels.h"
#include "model/type_names.h"

namespace bpftally {
namespace {

constexpr auto kGauge = MetricType::kGauge;

// The longest program that the verifier takes from a privileged loader: a constant of the kernel,
// BPF_COMPLEXITY_LIMIT_INSNS, which it does not publish.
constexpr uint64_t kVerifierInstructionLimit = 1'000'000;  // 5.2

struct TypeTotals {
  uint64_t objects = 0;
  std::optional<uint64_t> memory_bytes;  // of the objects whose memory is known
};
using Totals = std::map<uint32_t, TypeTotals>;

template <typename Info>
Totals TotalsOf(const std::vector<Info>& objects) {
  Totals totals;
  for (const Info& info : objects) {
    TypeTotals& total = totals[info.type];
    ++total.objects;
    if constexpr (requires { info.memory_bytes; }) {
      if (info.memory_bytes)
        total.memory_bytes = total.memory_bytes.value_or(0) + *info.memory_bytes;
    }
  }
  return totals;
}

class AggregatesCollector final : public Collector {
 public:
  explicit AggregatesCollector(const CollectOptions& options)
      : types_as_numbers_(options.type_labels_as_numbers) {}

  std::string_view name() const override { return "aggregates"; }
  std::string_view help() const override {
    return "Counts and memory by type, objects created, state of the BPF subsystem.";
  }

  // The count of an incomplete walk would seem to be a drop, so such a kind has none.
  Result<void> Collect(const CensusView& view, MetricBatch& batch) override {
    const Snapshot& snapshot = view.snapshot;
    Result<void> result;
    const auto whole = [&](ObjectKind kind) {
      const Result<void> complete = CheckComplete(snapshot, kind);
      if (result && !complete) result = complete;
      return complete.has_value();
    };
    if (whole(ObjectKind::kProgram)) AddPrograms(snapshot, batch);
    if (whole(ObjectKind::kMap)) AddMaps(snapshot, batch);
    if (whole(ObjectKind::kLink)) AddLinks(snapshot, batch);
    if (whole(ObjectKind::kBtf)) AddBtf(snapshot, batch);
    AddCreated(snapshot, batch);
    AddState(snapshot, batch);
    return result;
  }

 private:
  void AddPrograms(const Snapshot& snapshot, MetricBatch& batch) const {
    const Totals totals = TotalsOf(snapshot.programs);
    const auto labels = TypeLabels(totals, ProgramTypeName, false, batch);
    AddCounts({"bpf_programs", "BPF programs in the kernel.", kGauge, "{program}"}, totals, labels,
              batch);
    AddMemory({"bpf_programs_memory_bytes",
               "Memory of all BPF programs of a type, as far as it is known.", kGauge, "By"},
              totals, labels, batch);
  }

  void AddMaps(const Snapshot& snapshot, MetricBatch& batch) const {
    const Totals totals = TotalsOf(snapshot.maps);
    const auto labels = TypeLabels(totals, MapTypeName, types_as_numbers_, batch);
    AddCounts({"bpf_maps", "BPF maps in the kernel.", kGauge, "{map}"}, totals, labels, batch);
    AddMemory({"bpf_maps_memory_bytes", "Memory of all BPF maps of a type, as far as it is known.",
               kGauge, "By"},
              totals, labels, batch);
  }

  void AddLinks(const Snapshot& snapshot, MetricBatch& batch) const {
    const Totals totals = TotalsOf(snapshot.links);
    const auto labels = TypeLabels(totals, LinkTypeName, types_as_numbers_, batch);
    AddCounts({"bpf_links", "BPF links in the kernel.", kGauge, "{link}"}, totals, labels, batch);
  }

  void AddBtf(const Snapshot& snapshot, MetricBatch& batch) const {
    std::array<uint64_t, 2> counts{};
    for (const BtfInfo& info : snapshot.btf) ++counts[info.kernel ? 1 : 0];
    MetricFamily& family =
        batch.Add({"bpf_btf_objects",
                   "BTF objects in the kernel, by whether they describe the kernel itself.",
                   kGauge,
                   "{object}",
                   {"kernel"}},
                  name());
    for (const bool kernel : {false, true})
      family.samples.push_back({batch.Labels({BoolLabel(kernel)}), counts[kernel ? 1 : 0]});
  }

  static std::vector<LabelValues> TypeLabels(const Totals& totals, TypeNamer namer, bool as_numbers,
                                             MetricBatch& batch) {
    std::vector<LabelValues> labels;
    for (const auto& [type, total] : totals)
      labels.push_back(batch.Labels({TypeLabel(type, namer, as_numbers, batch)}));
    return labels;
  }

  void AddCounts(FamilySpec spec, const Totals& totals, const std::vector<LabelValues>& labels,
                 MetricBatch& batch) const {
    spec.label_names = {"type"};
    MetricFamily& family = batch.Add(std::move(spec), name(), totals.size());
    auto label = labels.begin();
    for (const auto& [type, total] : totals) family.samples.push_back({*label++, total.objects});
  }

  void AddMemory(FamilySpec spec, const Totals& totals, const std::vector<LabelValues>& labels,
                 MetricBatch& batch) const {
    spec.label_names = {"type"};
    MetricFamily& family = batch.Add(std::move(spec), name(), totals.size());
    auto label = labels.begin();
    for (const auto& [type, total] : totals) {
      if (total.memory_bytes) family.samples.push_back({*label, *total.memory_bytes});
      ++label;
    }
  }

  void AddCreated(const Snapshot& snapshot, MetricBatch& batch) const {
    MetricFamily& family = batch.Add(
        {"bpf_objects_created_total",
         "Objects created since bpftally started, short-lived ones included: the growth of "
         "the highest id.",
         MetricType::kCounter,
         "{object}",
         {"kind"}},
        name());
    for (const ObjectKind kind : kObjectKinds) {
      if (const auto& created = snapshot.StatusOf(kind).created)
        family.samples.push_back(
            {batch.Labels({ObjectKindName(kind)}), *created, ProcessStart(snapshot)});
    }
  }

  void AddState(const Snapshot& snapshot, MetricBatch& batch) const {
    MetricFamily& stats = batch.Add(
        {"bpf_stats_enabled",
         "Whether the kernel gathers run statistics of BPF programs (1) or not (0).", kGauge, ""},
        name());
    if (snapshot.stats_enabled)
      stats.samples.push_back({nullptr, uint64_t{*snapshot.stats_enabled ? 1U : 0U}});
    batch
        .Add({"bpf_verifier_instruction_limit",
              "Instructions that the verifier visits before it refuses a program.", kGauge,
              "{instruction}"},
             name())
        .samples.push_back({nullptr, kVerifierInstructionLimit});
  }

  bool types_as_numbers_;
};

}  // namespace

std::unique_ptr<Collector> MakeAggregatesCollector(const CollectOptions& options) {
  return std::make_unique<AggregatesCollector>(options);
}

}  // namespace bpftally
