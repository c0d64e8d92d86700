#pragma once

#include <string>

#include "model/metric_batch.h"

namespace bpftally {

// Name and unit of a family in OTLP.
struct OtlpName {
  std::string name;
  std::string unit;        // UCUM; empty where the translation to Prometheus would change the name
  bool monotonic = false;  // for counters: value of Sum.is_monotonic
};

// Returns the name, unit and monotonicity from which the standard translation of OTLP to Prometheus
// restores the family's own name. The translation appends the unit's word, _ratio to gauges of unit
// 1, and _total to monotonic sums, so these are removed here. Where it would append something that
// the name does not have, the unit is not sent. A counter without _total (other exporters have
// such) is sent as a non-monotonic sum: in Prometheus its name and values stay the same, and only
// its metadata say gauge.
OtlpName NameForOtlp(const FamilySpec& spec);

}  // namespace bpftally
