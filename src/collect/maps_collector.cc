#include "collect/compat_families.h"
#include "collect/factories.h"
#include "collect/labels.h"
#include "model/type_names.h"

namespace bpftally {
namespace {

using Families = ObjectFamilies<MapInfo>;
using Family = ValueFamily<MapInfo>;

constexpr auto kGauge = MetricType::kGauge;
const std::vector<std::string> kLabels = {"id", "name", "type"};

// No unit "By" on the first two: the translation from OTLP would add it to their names.
std::vector<Family> SizeFamilies(bool as_gauges) {
  const auto spec = [&](std::string name, std::string help, std::string unit) {
    return SizeSpec({std::move(name), std::move(help), kGauge, std::move(unit), kLabels},
                    as_gauges);
  };
  return {
      {spec("bpf_map_key_size", "Size of a key of the map, in bytes.", ""),
       [](const MapInfo& info) { return std::optional<Number>(uint64_t{info.key_size}); }},
      {spec("bpf_map_value_size", "Size of a value of the map, in bytes.", ""),
       [](const MapInfo& info) { return std::optional<Number>(uint64_t{info.value_size}); }},
      {spec("bpf_map_max_entries",
            "Entries that the map can hold; for a ring buffer its size in bytes.", "{entry}"),
       [](const MapInfo& info) { return std::optional<Number>(uint64_t{info.max_entries}); }},
  };
}

std::vector<Family> OwnFamilies() {
  std::vector<Family> families;
  families.push_back({{"bpf_map_entries", "Entries in the map now.", kGauge, "{entry}", kLabels},
                      [](const MapInfo& info) { return Known(info.entries); }});
  families.push_back(
      {{"bpf_map_memory_bytes", "Kernel memory that the map takes.", kGauge, "By", kLabels},
       [](const MapInfo& info) { return Known(info.memory_bytes); }});
  families.push_back({{"bpf_map_buffer_size_bytes",
                       "Data size of a ring buffer, or of all buffers of a perf event array.",
                       kGauge, "By", kLabels},
                      [](const MapInfo& info) { return Known(info.buffer_size_bytes); }});
  families.push_back(
      {{"bpf_map_buffer_backlog_bytes", "Bytes in a ring buffer that have not been consumed yet.",
        kGauge, "By", kLabels},
       [](const MapInfo& info) { return Known(info.buffer_backlog_bytes); }});
  families.push_back(
      {{"bpf_map_perf_lost_total", "Events lost in the open buffers of a perf event array.",
        MetricType::kCounter, "{event}", kLabels},
       [](const MapInfo& info) { return Known(info.perf_lost); }});
  return families;
}

void AddInfo(Families& families, const std::vector<LabelValues>& identities, MetricBatch& batch) {
  families.AddInfo(
      {"bpf_map_info",
       "A BPF map in the kernel.",
       kGauge,
       "",
       {"id", "name", "type", "key_size", "value_size", "max_entries", "flags", "map_extra",
        "frozen", "btf_id", "self"}},
      [](const MapInfo&) { return true; },
      [&](const MapInfo& info, size_t i) {
        const LabelValues identity = identities[i];
        return batch.Labels({identity[0], identity[1], identity[2],
                             batch.InternNumber(info.key_size), batch.InternNumber(info.value_size),
                             batch.InternNumber(info.max_entries), batch.InternNumber(info.flags),
                             NumberLabel(info.map_extra, batch), BoolLabel(info.frozen),
                             NumberLabel(info.btf_id, batch), BoolLabel(info.self)});
      });
}

class MapsCollector final : public Collector {
 public:
  MapsCollector(const CollectOptions& options, std::shared_ptr<DroppedSeries> dropped)
      : types_as_numbers_(options.type_labels_as_numbers),
        compat_(options.compat),
        size_families_(SizeFamilies(options.size_metrics_as_gauges)),
        own_families_(OwnFamilies()),
        dropped_(std::move(dropped)) {}

  std::string_view name() const override { return "maps"; }
  std::string_view help() const override { return "Every BPF map, its size and its fill."; }

  Result<void> Collect(const CensusView& view, MetricBatch& batch) override {
    Families families(view.maps, name(), batch, dropped_->Of(ObjectKind::kMap));
    const auto identities = families.Labels([&](const MapInfo& info) {
      return batch.Labels({batch.InternNumber(info.id), batch.Intern(info.name),
                           TypeLabel(info.type, MapTypeName, types_as_numbers_, batch)});
    });
    if (compat_) {
      AddCompatMaps(families, batch);
    } else {
      AddInfo(families, identities, batch);
      families.Add(size_families_, identities);
    }
    families.Add(own_families_, identities);
    return CheckComplete(view.snapshot, ObjectKind::kMap);
  }

 private:
  bool types_as_numbers_;
  bool compat_;
  std::vector<Family> size_families_;
  std::vector<Family> own_families_;
  std::shared_ptr<DroppedSeries> dropped_;
};

}  // namespace

std::unique_ptr<Collector> MakeMapsCollector(const CollectOptions& options,
                                             std::shared_ptr<DroppedSeries> dropped) {
  return std::make_unique<MapsCollector>(options, std::move(dropped));
}

}  // namespace bpftally
