#pragma once

#include <string>

#include "model/metric_batch.h"

namespace bpftally {

// What a family is called in OTLP.
struct OtlpName {
  std::string name;
  std::string unit;        // UCUM; empty where the translation would make another name of it
  bool monotonic = false;  // of counters: whether the Sum is said to be one
};

// The name, unit and monotonicity from which the standard translation of OTLP to Prometheus makes
// the family's own name again. It appends the unit's word, _ratio to gauges of unit 1, and _total
// to monotonic sums; so these are taken off here. Where it would add what the name does not have,
// the unit is not sent. A counter without _total (other exporters have such) is sent as a sum that
// is not said to be monotonic: in Prometheus it has the same name and values, and is a gauge by its
// metadata only.
OtlpName NameForOtlp(const FamilySpec& spec);

}  // namespace bpftally
