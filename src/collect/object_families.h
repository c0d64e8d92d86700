#pragma once

// Shared by the collectors of objects (programs, maps, links, BTF): families with one sample for
// each object that gets series.

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "collect/census_view.h"
#include "model/metric_batch.h"
#include "model/snapshot.h"

namespace bpftally {

// Counts the series that --max-objects left out, by ObjectKind, summed over polls. The collectors
// of objects count and `self` publishes: MakeCollectors lets them share one.
struct DroppedSeries {
  std::array<uint64_t, kObjectKinds.size()> by_kind{};
  uint64_t& Of(ObjectKind kind) { return by_kind[static_cast<size_t>(kind)]; }
};

// Returns since when an object's counters count; 0 where unknown.
inline int64_t CountsSince(const ProgramInfo& info) { return info.load_time_ns.value_or(0); }
template <typename Info>
int64_t CountsSince(const Info&) {
  return 0;
}

template <typename T>
std::optional<Number> Known(const std::optional<T>& value) {
  if (!value) return std::nullopt;
  return Number(uint64_t{*value});
}

// A family whose value can be read off an object; empty: unknown, no sample.
template <typename Info>
struct ValueFamily {
  FamilySpec spec;
  std::optional<Number> (*value)(const Info&);
};

// One poll's families of one kind of object.
template <typename Info>
class ObjectFamilies {
 public:
  // `chosen`, `batch` and `dropped` must outlive this.
  ObjectFamilies(const ChosenObjects<Info>& chosen, std::string_view collector, MetricBatch& batch,
                 uint64_t& dropped)
      : chosen_(chosen), collector_(collector), batch_(batch), dropped_(dropped) {}

  // Calls `labels_of` for every object that has series, once for all families that share the
  // labels.
  template <typename LabelsOf>
  std::vector<LabelValues> Labels(LabelsOf labels_of) const {
    std::vector<LabelValues> labels;
    labels.reserve(chosen_.kept.size());
    for (const Info* info : chosen_.kept) labels.push_back(labels_of(*info));
    return labels;
  }

  // Adds one sample for each object whose value is known.
  template <typename Value>
  void Add(FamilySpec spec, std::span<const LabelValues> labels, Value value) {
    MetricFamily& family = Start(std::move(spec), value);
    const bool counts = family.spec.type == MetricType::kCounter;
    for (size_t i = 0; i < labels.size(); ++i) {
      const Info& info = *chosen_.kept[i];
      if (const std::optional<Number> number = value(info))
        family.samples.push_back({labels[i], *number, counts ? CountsSince(info) : 0});
    }
  }

  void Add(const std::vector<ValueFamily<Info>>& families, std::span<const LabelValues> labels) {
    for (const ValueFamily<Info>& family : families) Add(family.spec, labels, family.value);
  }

  // Does the same for an info family (its value is 1) with labels of its own: labels_of(info, index
  // of the object among those that have series).
  template <typename Has, typename LabelsOf>
  void AddInfo(FamilySpec spec, Has has, LabelsOf labels_of) {
    MetricFamily& family = Start(std::move(spec), has);
    for (size_t i = 0; i < chosen_.kept.size(); ++i) {
      const Info& info = *chosen_.kept[i];
      if (has(info)) family.samples.push_back({labels_of(info, i), uint64_t{1}});
    }
  }

 private:
  template <typename Has>
  MetricFamily& Start(FamilySpec spec, Has has) {
    for (const Info* info : chosen_.dropped) dropped_ += has(*info) ? 1 : 0;
    return batch_.Add(std::move(spec), collector_, chosen_.kept.size());
  }

  const ChosenObjects<Info>& chosen_;
  std::string_view collector_;
  MetricBatch& batch_;
  uint64_t& dropped_;
};

// Returns when a program was loaded, in whole seconds since the epoch.
std::optional<Number> LoadSeconds(const ProgramInfo& info);

// Returns since when this process counts; 0 where unknown.
int64_t ProcessStart(const Snapshot& snapshot);

// Returns the error of a kind that was not walked completely.
Result<void> CheckComplete(const Snapshot& snapshot, ObjectKind kind);

// Returns the spec of one of the seven sizes, which are counters in name only (CollectOptions).
FamilySpec SizeSpec(FamilySpec gauge, bool as_gauge);

}  // namespace bpftally
