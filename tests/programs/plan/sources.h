#pragma once

#include <string>
#include <utility>
#include <vector>

#include "programs/plan/plan.h"

namespace bpftally {

// Plans a counter of the entries of a map whose values are 64-bit numbers.
inline SourcePlan CounterOf(std::string name, std::string map, std::vector<LabelPlan> labels,
                            uint32_t key_size, std::string help = "Counts.") {
  const FieldPlan value{.size = 8, .part = Part::kValue};
  return {.from = MapSource{std::move(map)},
          .key_size = key_size,
          .value_size = 8,
          .metrics = {{.name = std::move(name),
                       .help = std::move(help),
                       .labels = std::move(labels),
                       .instrument = CounterPlan{.value = {.field = value, .as_double = true}}}}};
}

// Plans a counter with one u32 label, `id`.
inline SourcePlan CounterById(std::string name, std::string map) {
  return CounterOf(std::move(name), std::move(map), {{"id", {0, 4}, {{.name = "uint"}}}}, 4);
}

// Plans a counter of events that begin with these labels.
inline SourcePlan EventCounterOf(std::string name, std::string map, std::vector<LabelPlan> labels,
                                 uint32_t event_size) {
  for (LabelPlan& label : labels) label.field.part = Part::kValue;
  return {.from = EventSource{std::move(map)},
          .value_size = event_size,
          .metrics = {{.name = std::move(name),
                       .help = "Events.",
                       .labels = std::move(labels),
                       .instrument = CounterPlan{.value = {.as_double = true}}}}};
}

}  // namespace bpftally
