#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "model/snapshot.h"

namespace bpftally {

// A snapshot as YAML, for bug reports and tests: what `bpftally dump` prints and `--replay` reads.
// Absent fields are left out; keys are the field names. Snapshot::process is not part of it. The
// document is ASCII; bytes of a name that are not UTF-8 become U+FFFD, as in every exposition.
std::string SnapshotToYaml(const Snapshot& snapshot);

// Unknown keys, wrong types, ids twice or out of order are errors, all findings (the first 20), one
// a line: "line:column: what, what was expected". What is left out keeps the default of its field;
// only ids and types of objects must be there.
Result<Snapshot> SnapshotFromYaml(std::string_view yaml);

}  // namespace bpftally
