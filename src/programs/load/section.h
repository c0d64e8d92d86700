#pragma once

// Parses section names that libbpf does not know, and that name where a program attaches.

#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "host/attach_points.h"

namespace bpftally {

// Section "perf_event/type=T,config=C,frequency=F", or period=P: decimal numbers.
using PerfEventSection = PerfEventTarget;

// Section "xdp/IFNAME", "tcx/ingress/IFNAME" or "tcx/egress/IFNAME"; also tc in the place of tcx.
struct InterfaceSection {
  enum class Hook { kXdp, kIngress, kEgress };
  Hook hook = Hook::kXdp;
  std::string interface;
};

// Stands for all other sections: libbpf knows them, or nobody does.
struct OtherSection {};

using Section = std::variant<OtherSection, PerfEventSection, InterfaceSection>;

// Parses `name`, as in SEC(). Fails with kInvalid if it begins like one of those and goes on
// wrongly.
Result<Section> ParseSection(std::string_view name);

}  // namespace bpftally
