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

// What bpf_link_info tells of one link beside its id, type and program.
struct LinkDetails {
  std::optional<uint32_t> attach_type;
  std::optional<std::string> target;
  std::optional<uint64_t> netns;
  std::optional<uint64_t> target_count;
  std::optional<uint64_t> missed;
  bool lasting = true;  // false: the target's name could not be looked up this time
};

// `info` is what the first query of the link that is open as `fd` gave, `known` its length.
// Interfaces stay unknown: the kernel gives an ifindex here and not the network namespace that it
// counts in.
LinkDetails ReadLinkDetails(const Pass& pass, BtfNames& names, int fd, const bpf_link_info& info,
                            size_t known);

// The map that a struct_ops or sockmap link is for.
std::optional<uint32_t> MapOfLink(const bpf_link_info& info);

// A map's name, out of a list that ascends by id; "map 12" where it has none or is not in the list.
std::string MapTarget(uint32_t id, const std::vector<MapInfo>& maps);

}  // namespace bpftally
