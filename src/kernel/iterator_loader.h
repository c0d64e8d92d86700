#pragma once

#include "base/error.h"
#include "base/unique_fd.h"
#include "model/snapshot.h"

namespace bpftally {

// Loads our iterator of this kind into the running kernel and returns its link; see
// BpfSys::LoadIterator.
Result<UniqueFd> LoadIteratorProgram(ObjectKind kind, bool may_probe_read);

}  // namespace bpftally
