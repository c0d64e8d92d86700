#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"
#include "census/btf_names.h"
#include "census/link_details.h"
#include "census/walk.h"
#include "model/snapshot.h"

struct link_record;

namespace bpftally {

// Lists the links by either source, after the maps of the same pass: some links' targets are maps.
// Remembers the details that only a system call tells; they never change in a link's life, but for
// the missed count, which is asked anew.
class LinkWalker {
 public:
  explicit LinkWalker(BtfNames& names) : names_(names) {}

  Result<void> WalkByIterator(const Pass& pass, int link_fd, const std::vector<MapInfo>& maps,
                              std::vector<LinkInfo>& out);
  Result<void> WalkById(const Pass& pass, const std::vector<MapInfo>& maps, uint64_t& vanished,
                        std::vector<LinkInfo>& out);

  // Forgets what is not in the list, which is the last whole walk's.
  void Forget(const std::vector<LinkInfo>& alive) { ForgetDead(constants_, alive); }

 private:
  struct Constant {
    uint32_t type = 0;  // tells a link from a later one with the same id
    LinkDetails details;
  };

  Result<void> Add(const Pass& pass, const link_record& record, std::string_view text,
                   const std::vector<MapInfo>& maps, std::vector<LinkInfo>& out);
  Result<void> Visit(const Pass& pass, int fd, const std::vector<MapInfo>& maps,
                     std::vector<LinkInfo>& out);
  // What the system call tells of a link that the iterator listed; empty where it is gone by now.
  Result<LinkDetails> Details(const Pass& pass, uint32_t id, uint32_t type);
  std::optional<std::string> CgroupPath(const Pass& pass, const link_record& record);

  BtfNames& names_;
  std::vector<std::byte> buffer_;
  std::unordered_map<uint32_t, Constant> constants_;
};

}  // namespace bpftally
