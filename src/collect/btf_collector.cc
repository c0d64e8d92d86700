#include "collect/factories.h"
#include "collect/labels.h"

namespace bpftally {
namespace {

const std::vector<std::string> kLabels = {"id", "name", "kernel"};

class BtfCollector final : public Collector {
 public:
  explicit BtfCollector(std::shared_ptr<DroppedSeries> dropped) : dropped_(std::move(dropped)) {}

  std::string_view name() const override { return "btf"; }
  std::string_view help() const override { return "Every BTF object: type data in the kernel."; }

  Result<void> Collect(const CensusView& view, MetricBatch& batch) override {
    ObjectFamilies<BtfInfo> families(view.btf, name(), batch, dropped_->Of(ObjectKind::kBtf));
    const auto identities = families.Labels([&](const BtfInfo& info) {
      return batch.Labels(
          {batch.InternNumber(info.id), batch.Intern(info.name), BoolLabel(info.kernel)});
    });
    families.Add({"bpf_btf_info", "A BTF object in the kernel.", MetricType::kGauge, "", kLabels},
                 identities, [](const BtfInfo&) { return std::optional<Number>(uint64_t{1}); });
    families.Add({"bpf_btf_size_bytes", "Size of a BTF object.", MetricType::kGauge, "By", kLabels},
                 identities, [](const BtfInfo& info) {
                   return std::optional<Number>(uint64_t{info.size_bytes});
                 });
    return CheckComplete(view.snapshot, ObjectKind::kBtf);
  }

 private:
  std::shared_ptr<DroppedSeries> dropped_;
};

}  // namespace

std::unique_ptr<Collector> MakeBtfCollector(std::shared_ptr<DroppedSeries> dropped) {
  return std::make_unique<BtfCollector>(std::move(dropped));
}

}  // namespace bpftally
