#pragma once

// The section names that libbpf does not know, and that tell where a program attaches.

#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "host/attach_points.h"

namespace bpftally {

// "perf_event/type=T,config=C,frequency=F", or period=P: decimal numbers.
using PerfEventSection = PerfEventTarget;

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
