#pragma once

#include <memory>

#include "kernel/bpf_sys.h"

namespace bpftally {

// Returns the kernel of this machine.
std::unique_ptr<BpfSys> MakeRealBpfSys();

}  // namespace bpftally
