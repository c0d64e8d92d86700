#include "census/feature_list.h"

#include <algorithm>

namespace bpftally {

void FeatureList::Note(const char* name, const char* source, std::optional<bool> available) {
  if (!available) return;
  const auto found = std::ranges::find_if(features_, [&](const Feature& feature) {
    return feature.name == name && feature.source == source;
  });
  if (found == features_.end()) {
    features_.push_back({name, source, *available});
  } else {
    found->available |= *available;
  }
}

}  // namespace bpftally
