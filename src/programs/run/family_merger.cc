#include "programs/run/family_merger.h"

#include <span>
#include <utility>

#include "programs/evaluate/series_table.h"

namespace bpftally {

uint64_t FamilyMerger::Take(Evaluated evaluated) {
  return Take(family_.samples, std::move(evaluated.samples)) +
         Take(family_.histograms, std::move(evaluated.histograms));
}

template <typename T>
uint64_t FamilyMerger::Take(std::vector<T>& to, std::vector<T> from) {
  if (to.empty()) {
    to = std::move(from);
    return 0;
  }
  if (seen_.size() == 0)
    for (const T& sample : to) seen_.Insert(Join(sample.labels));
  const size_t before = to.size();
  for (const T& sample : from)
    if (seen_.Insert(Join(sample.labels)).is_new) to.push_back(sample);
  return from.size() - (to.size() - before);
}

std::string_view FamilyMerger::Join(LabelValues labels) {
  JoinLabels(std::span(labels, family_.spec.label_names.size()), joined_);
  return joined_;
}

}  // namespace bpftally
