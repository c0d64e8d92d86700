#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/clock.h"
#include "build_paths.h"
#include "fuzz/fuzz_input.h"
#include "host/tables.h"
#include "programs/decode/decoder.h"
#include "programs/frontends/ebpf_exporter/planner.h"
#include "programs/frontends/ebpf_exporter/v2_config.h"
#include "programs/plan/plan.h"

namespace bpftally {

// A host of a few names, which never change.
inline HostTables& FuzzHost() {
  const std::string root = BPFTALLY_SOURCE_DIR "/tests/fuzz/host";
  static HostTables tables(
      {.proc = root, .pci_ids = {root + "/pci.ids"}, .cgroup_root = root + "/absent"},
      SystemClock());
  return tables;
}

inline DecoderConfig TakeDecoder(FuzzInput& input) {
  static const auto names = DecoderNames();
  constexpr size_t kMost = 12;
  DecoderConfig decoder{.name = std::string(names[input.Below(names.size())])};
  if (decoder.name == "static_map") {
    auto& map = decoder.static_map.emplace();
    for (uint64_t left = input.Below(4); left > 0; --left) {
      const std::string_view from = input.Text(kMost);
      map.emplace_back(from, input.Text(kMost));
    }
    decoder.allow_unknown = input.Flip();
  } else if (decoder.name == "regexp") {
    auto& expressions = decoder.regexps.emplace();
    for (uint64_t left = input.Below(3); left > 0; --left)
      expressions.emplace_back(input.Text(2 * kMost));
  }
  return decoder;
}

inline std::vector<DecoderConfig> TakeDecoders(FuzzInput& input) {
  std::vector<DecoderConfig> decoders = {TakeDecoder(input)};
  for (uint64_t left = input.Below(4); left > 0; --left) decoders.push_back(TakeDecoder(input));
  return decoders;
}

// As the planner has them.
inline std::vector<DecoderPlan> TakeDecoderPlans(FuzzInput& input) {
  return PlanDecoders(TakeDecoders(input));
}

}  // namespace bpftally
