#pragma once

#include <cstddef>
#include <span>

namespace bpftally {

// Returns whether the types may be read by 32-bit loads. libbpf checks only their own offset, not
// the length of the header before them, which is up to the maker of the BTF.
bool HasAlignedTypes(std::span<const std::byte> btf);

}  // namespace bpftally
