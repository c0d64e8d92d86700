#pragma once

#include <cstddef>
#include <span>

namespace bpftally {

// Returns whether 32-bit loads may read the types: libbpf checks their own offset only, and not the
// length of the header before them, which is up to the maker of the BTF.
bool HasAlignedTypes(std::span<const std::byte> btf);

}  // namespace bpftally
