#include "programs/run/family_merger.h"

#include <utility>

#include "programs/decode/label_decoder.h"

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
  joined_.clear();
  for (size_t i = 0; i < family_.spec.label_names.size(); ++i) AppendLabelValue(joined_, labels[i]);
  return joined_;
}

}  // namespace bpftally
