#pragma once

#include <memory>

#include "kernel/bpf_sys.h"

namespace bpftally {

// The kernel of this machine.
std::unique_ptr<BpfSys> MakeRealBpfSys();

}  // namespace bpftally
