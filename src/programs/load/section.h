#pragma once

// The section names that libbpf does not know, and that tell where a program attaches.

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"

namespace bpftally {

// "perf_event/type=T,config=C,frequency=F", or period=P: decimal numbers.
struct PerfEventSection {
  uint32_t type = 0;       // PERF_TYPE_*
  uint64_t config = 0;     // PERF_COUNT_*
  uint64_t every = 0;      // a sample so often
  bool frequency = false;  // `every` is a number a second, else one of events
};

// "xdp/IFNAME", "tcx/ingress/IFNAME", "tcx/egress/IFNAME"; also tc in the place of tcx.
struct InterfaceSection {
  enum class Hook { kXdp, kIngress, kEgress };
  Hook hook = Hook::kXdp;
  std::string interface;
};

// libbpf knows what to do, or nobody does.
struct OtherSection {};

using Section = std::variant<OtherSection, PerfEventSection, InterfaceSection>;

// `name` as in SEC(). kInvalid where it begins like one of those and goes on wrongly.
Result<Section> ParseSection(std::string_view name);

}  // namespace bpftally
