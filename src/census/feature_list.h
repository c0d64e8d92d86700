#pragma once

#include <optional>
#include <vector>

#include "model/snapshot.h"

namespace bpftally {

// What was found out about the kernel so far. Once seen, a feature stays: that no object shows it
// right now does not take it away.
class FeatureList {
 public:
  // Empty: nothing in this pass shows whether the feature is there.
  void Note(const char* name, const char* source, std::optional<bool> available);

  const std::vector<Feature>& all() const { return features_; }

 private:
  std::vector<Feature> features_;
};

// Whether any object to which a feature applies shows it; empty where it applies to none.
template <typename Info, typename Applies, typename Shows>
std::optional<bool> ShownBy(const std::vector<Info>& objects, Applies applies, Shows shows) {
  std::optional<bool> shown;
  for (const Info& object : objects) {
    if (applies(object)) shown = shown.value_or(false) || shows(object);
  }
  return shown;
}

}  // namespace bpftally
