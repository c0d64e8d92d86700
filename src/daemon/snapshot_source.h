#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "census/snapshot_reader.h"
#include "model/snapshot.h"

namespace bpftally {

// Where snapshots come from: the kernel of this host, or a file. For one thread.
class SnapshotSource {
 public:
  virtual ~SnapshotSource() = default;
  // Never null. What cannot be read by the deadline is missing.
  virtual std::shared_ptr<const Snapshot> Take(std::chrono::steady_clock::time_point deadline) = 0;
  // Asks at each Take() which programs are those of this process. Before the first Take().
  virtual void SetOwnPrograms(std::function<std::vector<uint32_t>()>) {}
};

// Reads the kernel. Where it cannot be read at all, the error says what to do. `clock` must outlive
// the source.
Result<std::unique_ptr<SnapshotSource>> OpenKernel(const ReaderOptions& options,
                                                   const Clock& clock);

// Returns the same snapshot at each Take, as `bpftally dump` wrote it to `path`.
Result<std::unique_ptr<SnapshotSource>> OpenReplay(const std::string& path, const Clock& clock);

}  // namespace bpftally
