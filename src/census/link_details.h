#pragma once

#include <linux/bpf.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "census/btf_names.h"
#include "census/walk.h"
#include "model/snapshot.h"

namespace bpftally {

// Details of one link that bpf_link_info has beside its id, type and program.
struct LinkDetails {
  std::optional<uint32_t> attach_type;
  std::optional<std::string> target;
  std::optional<uint64_t> netns;
  std::optional<uint64_t> target_count;
  std::optional<uint64_t> missed;
  bool lasting = true;  // false: the target's name could not be looked up this time
};

// Reads the details of the link that is open as `fd`. `info` is the answer to the first query,
// `known` its length. Interfaces stay unknown: the kernel gives an ifindex here and not the network
// namespace that it counts in.
LinkDetails ReadLinkDetails(const Pass& pass, BtfNames& names, int fd, const bpf_link_info& info,
                            size_t known);

// Returns the map that a struct_ops or sockmap link is for.
std::optional<uint32_t> MapOfLink(const bpf_link_info& info);

// Returns a map's name from a list that ascends by id; "map 12" where it has none or is not in it.
std::string MapTarget(uint32_t id, const std::vector<MapInfo>& maps);

}  // namespace bpftally
