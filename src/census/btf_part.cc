#include <linux/bpf.h>

#include <array>
#include <unordered_map>
#include <utility>

#include "census/iterator_reader.h"
#include "census/object_part.h"
#include "census/parts.h"
#include "kernel/bpf_sys.h"
#include "kernel/object_info.h"

namespace bpftally {
namespace {

Result<BtfInfo> ReadBtfInfo(BpfSys& sys, uint32_t id) {
  const auto fd = sys.OpenById(ObjectKind::kBtf, id);
  if (!fd) return std::unexpected(fd.error());
  std::array<char, 64> name{};  // MODULE_NAME_LEN is 56
  bpf_btf_info info{};
  info.name = reinterpret_cast<uintptr_t>(name.data());
  info.name_len = name.size();
  const auto known = GetInfo(sys, fd->get(), info);
  if (!known) return std::unexpected(known.error());
  return BtfInfo{.id = id,
                 .name = FixedText(name),
                 .kernel = info.kernel_btf != 0,
                 .size_bytes = info.btf_size};
}

// Reads the BTF objects, which can be listed by their ids only. They never change, so each is
// opened once.
class BtfPart final : public ObjectPart {
 public:
  explicit BtfPart(const CensusContext& context) : ObjectPart(ObjectKind::kBtf, context) {}

  void Forget(const Snapshot& snapshot) override { ForgetDead(known_, snapshot.btf); }

 private:
  Result<void> WalkByIterator(const Pass&, int, Snapshot&) override {
    return std::unexpected(Error{ErrorKind::kInternal, 0, "no iterator over BTF objects"});
  }
  Result<void> WalkById(const Pass& pass, uint64_t& vanished, Snapshot& snapshot) override;
  uint32_t HighestId(const Snapshot& snapshot) const override { return HighestIdOf(snapshot.btf); }
  void Finish(const Pass&, Snapshot&) override {}

  std::unordered_map<uint32_t, BtfInfo> known_;
};

Result<void> BtfPart::WalkById(const Pass& pass, uint64_t& vanished, Snapshot& snapshot) {
  return WalkIds(pass, ObjectKind::kBtf, [&](uint32_t id) -> Result<void> {
    auto found = known_.find(id);
    if (found == known_.end()) {
      auto info = ReadBtfInfo(pass.sys, id);
      if (!info && info.error().kind == ErrorKind::kVanished) {
        ++vanished;
        return {};
      }
      if (!info) return std::unexpected(info.error());
      found = known_.emplace(id, std::move(*info)).first;
    }
    snapshot.btf.push_back(found->second);
    return {};
  });
}

}  // namespace

std::unique_ptr<CensusPart> MakeBtfPart(const CensusContext& context) {
  return std::make_unique<BtfPart>(context);
}

}  // namespace bpftally
