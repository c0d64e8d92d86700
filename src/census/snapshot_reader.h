#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "census/reader_options.h"
#include "model/snapshot.h"

namespace bpftally {

class BpfSys;

// Takes the census, part by part (census_part.h). Not thread-safe: one thread takes. Holds its own
// iterator links and stats fd, never an fd of another's object beyond one visit.
class SnapshotReader {
 public:
  // Fails only when no part finds a source; the error names the missing capability or kernel
  // feature and what to do. What works in part is a snapshot with KindStatus errors. `sys` and
  // `clock` must outlive the reader.
  static Result<std::unique_ptr<SnapshotReader>> Create(BpfSys& sys, const Clock& clock,
                                                        ReaderOptions options);
  virtual ~SnapshotReader() = default;

  // Never fails as a whole: see Snapshot::status. A walk that passes the deadline stops,
  // incomplete, with kExhausted.
  virtual std::shared_ptr<const Snapshot> Take(std::chrono::steady_clock::time_point deadline) = 0;

  // What else this process has loaded: these programs, their maps and links are `self`.
  virtual void SetOwnPrograms(std::vector<uint32_t> ids) = 0;
};

}  // namespace bpftally
