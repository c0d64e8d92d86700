#pragma once

#include <string>

#include "base/error.h"
#include "programs/plan.h"

namespace bpftally {

// Reads a BPF object file without privilege and without the kernel. What libbpf says of a broken
// one stands in the error.
Result<ObjectFacts> ReadObjectFacts(const std::string& path);

}  // namespace bpftally
