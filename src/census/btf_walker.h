#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "census/walk.h"
#include "model/snapshot.h"

namespace bpftally {

// Lists the BTF objects, which only their ids lead to. They never change, so each is opened once.
class BtfWalker {
 public:
  Result<void> WalkById(const Pass& pass, uint64_t& vanished, std::vector<BtfInfo>& out);

  // Forgets what is not in the list, which is the last whole walk's.
  void Forget(const std::vector<BtfInfo>& alive) { ForgetDead(known_, alive); }

 private:
  std::unordered_map<uint32_t, BtfInfo> known_;
};

}  // namespace bpftally
