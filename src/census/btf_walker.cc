#include "census/btf_walker.h"

#include <linux/bpf.h>

#include <array>

#include "census/iterator_reader.h"
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

}  // namespace

Result<void> BtfWalker::WalkById(const Pass& pass, uint64_t& vanished, std::vector<BtfInfo>& out) {
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
    out.push_back(found->second);
    return {};
  });
}

}  // namespace bpftally
