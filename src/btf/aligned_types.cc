#include "btf/aligned_types.h"

#include <linux/btf.h>

#include <cstdint>
#include <cstring>

namespace bpftally {

bool HasAlignedTypes(std::span<const std::byte> btf) {
  btf_header header{};
  if (btf.size() < sizeof(header)) return false;
  std::memcpy(&header, btf.data(), sizeof(header));
  return header.hdr_len % alignof(btf_type) == 0;
}

}  // namespace bpftally
