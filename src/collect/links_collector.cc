#include "collect/compat_families.h"
#include "collect/factories.h"
#include "collect/labels.h"
#include "model/type_names.h"

namespace bpftally {
namespace {

using Families = ObjectFamilies<LinkInfo>;

constexpr auto kGauge = MetricType::kGauge;
const std::vector<std::string> kLabels = {"id", "prog_id", "type"};

std::string_view AttachTypeLabel(const LinkInfo& info) {
  return info.attach_type ? AttachTypeName(*info.attach_type) : std::string_view();
}

void AddInfo(Families& families, const std::vector<LabelValues>& identities, MetricBatch& batch) {
  families.AddInfo(
      {"bpf_link_info",
       "A BPF link in the kernel.",
       kGauge,
       "",
       {"id", "prog_id", "type", "attach_type", "self"}},
      [](const LinkInfo&) { return true; },
      [&](const LinkInfo& info, size_t i) {
        const LabelValues identity = identities[i];
        return batch.Labels(
            {identity[0], identity[1], identity[2], AttachTypeLabel(info), BoolLabel(info.self)});
      });
}

void AddAttachInfo(Families& families, const std::vector<LabelValues>& identities,
                   MetricBatch& batch) {
  families.AddInfo(
      {"bpf_link_attach_info",
       "Target that a link attaches to, by name.",
       kGauge,
       "",
       {"id", "prog_id", "type", "attach_type", "target", "netns"}},
      [](const LinkInfo& info) { return info.target.has_value(); },
      [&](const LinkInfo& info, size_t i) {
        const LabelValues identity = identities[i];
        return batch.Labels({identity[0], identity[1], identity[2], AttachTypeLabel(info),
                             batch.Intern(*info.target), NumberLabel(info.netns, batch)});
      });
}

class LinksCollector final : public Collector {
 public:
  LinksCollector(const CollectOptions& options, std::shared_ptr<DroppedSeries> dropped)
      : types_as_numbers_(options.type_labels_as_numbers),
        compat_(options.compat),
        dropped_(std::move(dropped)) {}

  std::string_view name() const override { return "links"; }
  std::string_view help() const override { return "Every BPF link, and what it attaches to."; }

  Result<void> Collect(const CensusView& view, MetricBatch& batch) override {
    Families families(view.links, name(), batch, dropped_->Of(ObjectKind::kLink));
    const auto identities = families.Labels([&](const LinkInfo& info) {
      return batch.Labels({batch.InternNumber(info.id), batch.InternNumber(info.program_id),
                           TypeLabel(info.type, LinkTypeName, types_as_numbers_, batch)});
    });
    if (compat_) {
      AddCompatLinks(families, batch);
    } else {
      AddInfo(families, identities, batch);
    }
    AddAttachInfo(families, identities, batch);
    families.Add({"bpf_link_targets", "Functions that a link of many targets attaches to.", kGauge,
                  "{function}", kLabels},
                 identities, [](const LinkInfo& info) { return Known(info.target_count); });
    families.Add(
        {"bpf_link_missed_total", "Hits of the link's probes at which the program could not run.",
         MetricType::kCounter, "{hit}", kLabels},
        identities, [](const LinkInfo& info) { return Known(info.missed); });
    return CheckComplete(view.snapshot, ObjectKind::kLink);
  }

 private:
  bool types_as_numbers_;
  bool compat_;
  std::shared_ptr<DroppedSeries> dropped_;
};

}  // namespace

std::unique_ptr<Collector> MakeLinksCollector(const CollectOptions& options,
                                              std::shared_ptr<DroppedSeries> dropped) {
  return std::make_unique<LinksCollector>(options, std::move(dropped));
}

}  // namespace bpftally
