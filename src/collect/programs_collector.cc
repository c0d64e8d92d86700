#include <algorithm>

#include "collect/compat_families.h"
#include "collect/factories.h"
#include "collect/labels.h"
#include "model/type_names.h"

namespace bpftally {
namespace {

using Objects = ChosenObjects<ProgramInfo>;
using Families = ObjectFamilies<ProgramInfo>;
using Family = ValueFamily<ProgramInfo>;

constexpr auto kGauge = MetricType::kGauge;
constexpr auto kCounter = MetricType::kCounter;
const std::vector<std::string> kLabels = {"id", "name", "type"};

constexpr std::string_view kHex = "0123456789abcdef";

// As bpftool prints it.
std::string_view TagLabel(const ProgramInfo& info, MetricBatch& batch) {
  std::array<char, 2 * std::tuple_size_v<decltype(info.tag)>> text{};
  for (size_t i = 0; i < info.tag.size(); ++i) {
    text[2 * i] = kHex[info.tag[i] >> 4];
    text[2 * i + 1] = kHex[info.tag[i] & 0xF];
  }
  return batch.Intern({text.data(), text.size()});
}

std::optional<Number> RunSeconds(const ProgramInfo& info) {
  if (!info.run_time_ns) return std::nullopt;
  return Number(static_cast<double>(*info.run_time_ns) / 1e9);
}

std::vector<Family> SizeFamilies(bool as_gauges) {
  const auto spec = [&](std::string name, std::string help, std::string unit) {
    return SizeSpec({std::move(name), std::move(help), kGauge, std::move(unit), kLabels},
                    as_gauges);
  };
  return {
      {spec("bpf_program_size_jitted_bytes",
            "Size of the program's machine code; 0 if it is interpreted.", "By"),
       [](const ProgramInfo& info) { return Known(info.jitted_bytes); }},
      {spec("bpf_program_size_translated_bytes",
            "Size of the program's BPF instructions as the verifier left them.", "By"),
       [](const ProgramInfo& info) { return Known(info.translated_bytes); }},
      {spec("bpf_program_mem_bytes", "Kernel memory that the program takes, in whole pages.", "By"),
       [](const ProgramInfo& info) { return Known(info.memory_bytes); }},
      {spec("bpf_program_verified_instructions",
            "Instructions that the verifier visited when the program was loaded.", "{instruction}"),
       [](const ProgramInfo& info) { return Known(info.verified_instructions); }},
  };
}

std::vector<Family> RunFamilies() {
  return {
      {{"bpf_program_run_time_seconds_total",
        "Time spent in the program, while run statistics were on.", kCounter, "s", kLabels},
       RunSeconds},
      {{"bpf_program_runs_total", "Runs of the program, while run statistics were on.", kCounter,
        "{run}", kLabels},
       [](const ProgramInfo& info) { return Known(info.run_count); }},
      {{"bpf_program_recursion_misses_total",
        "Runs that were skipped because the program was running on that CPU already.", kCounter,
        "{run}", kLabels},
       [](const ProgramInfo& info) { return Known(info.recursion_misses); }},
      {{"bpf_program_stack_depth_bytes", "Stack that the program uses.", kGauge, "By", kLabels},
       [](const ProgramInfo& info) { return Known(info.stack_depth_bytes); }},
      {{"bpf_program_subprograms", "Functions of the program, the main one included.", kGauge,
        "{function}", kLabels},
       [](const ProgramInfo& info) { return Known(info.subprograms); }},
  };
}

// Load time and sizes: with the info family, what bpf-metrics-exporter has too.
std::vector<Family> SharedFamilies(bool sizes_as_gauges) {
  // No unit on the load time: the translation from OTLP would add it to the name.
  std::vector<Family> families = {
      {{"bpf_program_load_time", "When the program was loaded, in seconds since the epoch.", kGauge,
        "", kLabels},
       LoadSeconds}};
  std::ranges::move(SizeFamilies(sizes_as_gauges), std::back_inserter(families));
  return families;
}

void AddInfo(Families& families, const std::vector<LabelValues>& identities, MetricBatch& batch) {
  families.AddInfo(
      {"bpf_program_info",
       "A BPF program in the kernel.",
       kGauge,
       "",
       {"id", "name", "type", "tag", "gpl_compatible", "load_time", "uid", "btf_id", "self"}},
      [](const ProgramInfo&) { return true; },
      [&](const ProgramInfo& info, size_t i) {
        const LabelValues identity = identities[i];
        return batch.Labels({identity[0], identity[1], identity[2], TagLabel(info, batch),
                             BoolLabel(info.gpl_compatible), TimeLabel(info.load_time_ns, batch),
                             NumberLabel(info.uid, batch), NumberLabel(info.btf_id, batch),
                             BoolLabel(info.self)});
      });
}

void AddAttachments(Families& families, const Snapshot& snapshot,
                    const std::vector<LabelValues>& identities) {
  if (!snapshot.StatusOf(ObjectKind::kLink).complete) return;
  const ProgramInfo* const first = snapshot.programs.data();
  std::vector<uint64_t> counts(snapshot.programs.size());
  for (const LinkInfo& link : snapshot.links) {
    const auto program =
        std::ranges::lower_bound(snapshot.programs, link.program_id, {}, &ProgramInfo::id);
    if (program != snapshot.programs.end() && program->id == link.program_id)
      ++counts[static_cast<size_t>(&*program - first)];
  }
  families.Add({"bpf_program_attachments",
                "Links that attach the program. Attachments without a link (of control groups, tc, "
                "XDP, sockets) are not counted.",
                kGauge, "{link}", kLabels},
               identities, [&](const ProgramInfo& info) {
                 return std::optional<Number>(counts[static_cast<size_t>(&info - first)]);
               });
}

class ProgramsCollector final : public Collector {
 public:
  ProgramsCollector(const CollectOptions& options, std::shared_ptr<DroppedSeries> dropped)
      : with_maps_(options.program_maps),
        compat_(options.compat),
        shared_families_(SharedFamilies(options.size_metrics_as_gauges)),
        own_families_(RunFamilies()),
        dropped_(std::move(dropped)) {}

  std::string_view name() const override { return "programs"; }
  std::string_view help() const override { return "Every BPF program, and what it costs."; }

  Result<void> Collect(const CensusView& view, MetricBatch& batch) override {
    Families families(view.programs, name(), batch, dropped_->Of(ObjectKind::kProgram));
    const auto identities = families.Labels([&](const ProgramInfo& info) {
      return batch.Labels(
          {batch.InternNumber(info.id), batch.Intern(info.name), ProgramTypeName(info.type)});
    });
    if (compat_) {
      AddCompatPrograms(families, batch);
    } else {
      AddInfo(families, identities, batch);
      families.Add(shared_families_, identities);
    }
    families.Add(own_families_, identities);
    AddAttachments(families, view.snapshot, identities);
    if (with_maps_) AddMaps(view.programs, batch);
    return CheckComplete(view.snapshot, ObjectKind::kProgram);
  }

 private:
  // A program may name a map twice.
  static std::vector<uint32_t> MapsOf(const ProgramInfo& info) {
    std::vector<uint32_t> ids = info.map_ids.value_or(std::vector<uint32_t>());
    std::ranges::sort(ids);
    ids.erase(std::ranges::unique(ids).begin(), ids.end());
    return ids;
  }

  void AddMaps(const Objects& chosen, MetricBatch& batch) {
    MetricFamily& family = batch.Add({"bpf_program_map_info",
                                      "A map that the program uses.",
                                      kGauge,
                                      "",
                                      {"program_id", "map_id"}},
                                     name(), chosen.kept.size());
    for (const ProgramInfo* info : chosen.kept) {
      const std::string_view id = batch.InternNumber(info->id);
      for (const uint32_t map : MapsOf(*info))
        family.samples.push_back({batch.Labels({id, batch.InternNumber(map)}), uint64_t{1}});
    }
    for (const ProgramInfo* info : chosen.dropped)
      dropped_->Of(ObjectKind::kProgram) += MapsOf(*info).size();
  }

  bool with_maps_;
  bool compat_;
  std::vector<Family> shared_families_;
  std::vector<Family> own_families_;
  std::shared_ptr<DroppedSeries> dropped_;
};

}  // namespace

std::unique_ptr<Collector> MakeProgramsCollector(const CollectOptions& options,
                                                 std::shared_ptr<DroppedSeries> dropped) {
  return std::make_unique<ProgramsCollector>(options, std::move(dropped));
}

}  // namespace bpftally
