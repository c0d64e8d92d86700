#pragma once

#include <cstddef>
#include <span>

namespace bpftally {

// Whether the types stand where 32-bit loads may read them: libbpf looks at their own offset only,
// and not at the length of the header before them, which whoever made the BTF chose.
bool HasAlignedTypes(std::span<const std::byte> btf);

}  // namespace bpftally
