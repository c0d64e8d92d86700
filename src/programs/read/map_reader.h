#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <set>
#include <vector>

#include "base/byte_index.h"
#include "base/clock.h"
#include "base/error.h"
#include "kernel/bpf_sys.h"
#include "kernel/map_handle.h"
#include "programs/read/rows.h"

namespace bpftally {

// Reads maps batch by batch, so that even the largest needs little memory. For use by one thread.
class MapReader {
 public:
  using Sink = std::function<Result<void>(const Rows& rows)>;

  // Makes a reader, which `sys` and `clock` must outlive.
  MapReader(BpfSys& sys, const Clock& clock, size_t possible_cpus);

  // Hands all entries of a map to the sink, no key twice. An error of the sink ends the reading and
  // is returned. Fails with kExhausted if the deadline passed, or if the map changes faster than it
  // can be read.
  Result<void> Read(const MapHandle& map, std::chrono::steady_clock::time_point deadline,
                    const Sink& sink);

  void FreeBuffers();  // called between scrapes

 private:
  struct Task {
    const MapHandle& map;
    std::chrono::steady_clock::time_point deadline;
    const Sink& sink;
  };

  bool IsMapped(const MapHandle& map) const;
  Result<void> ReadMapped(const Task& task);
  Result<void> ReadBatches(const Task& task);
  Result<bool> ReadBatch(const Task& task, uint32_t& room);
  Result<void> ReadByKey(const Task& task);
  Result<void> ReadEntry(const Task& task, std::span<const std::byte> key, size_t& count);

  uint32_t FirstRoom() const;  // number of entries for the first call
  Result<void> CheckTime(const Task& task) const;
  Result<void> CheckRepeats(const Task& task) const;
  void MakeRoom(size_t entries);
  Result<void> HandOver(const Task& task, size_t count);
  size_t DropRepeated(size_t count);
  std::span<const std::byte> KeyAt(size_t row) const;
  bool IsRepeated(std::span<const std::byte> key);

  BpfSys& sys_;
  const Clock& clock_;
  const size_t possible_cpus_;
  std::set<uint32_t> types_without_batch_;  // as this kernel showed

  // State of the current reading.
  RowBuffer batch_;
  std::vector<std::byte> cursor_;
  bool began_ = false;
  int retries_ = 0;
  ByteIndex seen_;  // keys of types whose walk begins anew if its last key vanishes
  size_t repeats_ = 0;
};

}  // namespace bpftally
