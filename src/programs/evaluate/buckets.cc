#include "programs/evaluate/buckets.h"

#include <algorithm>

namespace bpftally {

Buckets::Buckets(const std::vector<BucketPlan>& plans) {
  for (const BucketPlan& plan : plans) {
    if (plan.slot != kNoSlot) by_slot_.push_back({plan.slot, bounds_.size()});
    bounds_.push_back(plan.upper_bound);
  }
  std::ranges::sort(by_slot_, {}, &Place::slot);
}

std::optional<size_t> Buckets::OfSlot(uint64_t slot) const {
  const auto place = std::ranges::lower_bound(by_slot_, slot, {}, &Place::slot);
  if (place == by_slot_.end() || place->slot != slot) return std::nullopt;
  return place->bucket;
}

size_t Buckets::OfValue(double value) const {
  return static_cast<size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin());
}

}  // namespace bpftally
