#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "census/btf_names.h"
#include "census/walk.h"
#include "model/snapshot.h"

struct map_record;

namespace bpftally {

// How far a map's entries are counted key by key where the kernel does not tell their number.
struct EntryScan {
  bool enabled = false;
  size_t max_entries = 0;  // a map with more is left unknown
};

// Lists the maps by either source. Remembers what never changes in a map's life and costs more than
// its walk: the full name, and the memory of maps that have all of theirs from the start.
class MapWalker {
 public:
  MapWalker(BtfNames& names, EntryScan scan) : names_(names), scan_(scan) {}

  Result<void> WalkByIterator(const Pass& pass, int link_fd, std::vector<MapInfo>& out);
  Result<void> WalkById(const Pass& pass, uint64_t& vanished, std::vector<MapInfo>& out);

  // Forgets what is not in the list, which is the last whole walk's.
  void Forget(const std::vector<MapInfo>& alive) { ForgetDead(constants_, alive); }

 private:
  struct Constant {
    uint32_t type = 0;  // these four tell a map from a later one with the same id
    uint32_t max_entries = 0;
    uint32_t flags = 0;
    uint32_t btf_id = 0;
    std::optional<std::string> name = std::nullopt;  // empty: not learnt yet, like the memory
    std::optional<uint64_t> memory_bytes = std::nullopt;
  };

  Constant& Remember(const MapInfo& map);
  Result<void> SetName(const Pass& pass, MapIdentity identity, Constant& constant, MapInfo& map);
  Result<void> Add(const Pass& pass, const map_record& record, std::vector<MapInfo>& out);
  Result<void> Visit(const Pass& pass, int fd, std::vector<MapInfo>& out);
  void ReadFdInfo(const Pass& pass, int fd, Constant& constant, MapInfo& map);

  BtfNames& names_;
  EntryScan scan_;
  std::vector<std::byte> buffer_;
  std::unordered_map<uint32_t, Constant> constants_;
};

}  // namespace bpftally
