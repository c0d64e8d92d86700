#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "model/snapshot.h"

namespace bpftally {

class BpfSys;

enum class SourceChoice { kAuto, kIterator, kSyscall };  // --source

struct ReaderOptions {
  SourceChoice source = SourceChoice::kAuto;
  bool run_stats = false;  // hold a BPF_ENABLE_STATS fd as long as the reader lives
  bool scan_entries =
      false;  // count map entries key by key where no source gives the count (bounded)
  size_t max_scanned_entries = 100'000;  // per map and pass, with scan_entries
};

// Takes the census: chooses a source per kind and per field, by probing once at start. Not
// thread-safe: one thread takes. Holds its own iterator links and stats fd, never an fd of
// another's object beyond one visit.
class SnapshotReader {
 public:
  // Fails only when no source works for any kind; the error names the missing capability or kernel
  // feature and what to do. What works in part is a snapshot with KindStatus errors. `sys` and
  // `clock` must outlive the reader.
  static Result<std::unique_ptr<SnapshotReader>> Create(BpfSys& sys, const Clock& clock,
                                                        ReaderOptions options);
  virtual ~SnapshotReader() = default;

  // Never fails as a whole: see Snapshot::status. A walk that passes the deadline stops,
  // incomplete, with kExhausted.
  virtual Snapshot Take(std::chrono::steady_clock::time_point deadline) = 0;

  // What else this process has loaded: these programs, their maps and links are `self`.
  virtual void SetOwnPrograms(std::vector<uint32_t> ids) = 0;
};

}  // namespace bpftally
