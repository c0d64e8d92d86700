#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "census/btf_names.h"
#include "census/walk.h"
#include "model/snapshot.h"

struct program_record;

namespace bpftally {

// Lists the programs by either source. Remembers what never changes in a program's life and costs
// more than its walk.
class ProgramWalker {
 public:
  explicit ProgramWalker(BtfNames& names) : names_(names) {}

  Result<void> WalkByIterator(const Pass& pass, int link_fd, std::vector<ProgramInfo>& out);
  Result<void> WalkById(const Pass& pass, uint64_t& vanished, std::vector<ProgramInfo>& out);

  // Forgets what is not in the list, which is the last whole walk's.
  void Forget(const std::vector<ProgramInfo>& alive) { ForgetDead(constants_, alive); }

 private:
  struct Constant {
    int64_t load_time_ns = 0;  // with the id, tells a program from a later one with the same id
    std::optional<std::string> name = std::nullopt;  // empty: not learnt yet, like the memory
    std::optional<uint64_t> memory_bytes = std::nullopt;
  };

  Result<void> Add(const Pass& pass, const program_record& record,
                   std::span<const std::byte> map_ids, std::vector<ProgramInfo>& out);
  Result<void> Visit(const Pass& pass, uint32_t id, int fd, std::vector<ProgramInfo>& out);
  Constant& Remember(uint32_t id, int64_t load_time_ns);
  Result<void> SetName(const Pass& pass, uint32_t type_id, std::string short_name,
                       Constant& constant, ProgramInfo& program);

  BtfNames& names_;
  std::vector<std::byte> buffer_;
  std::unordered_map<uint32_t, Constant> constants_;
};

}  // namespace bpftally
