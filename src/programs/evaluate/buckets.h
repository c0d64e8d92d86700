#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "programs/plan/plan.h"

namespace bpftally {

// Finds the bucket of a slot or of a value.
class Buckets {
 public:
  explicit Buckets(const std::vector<BucketPlan>& plans);

  const std::vector<double>& bounds() const { return bounds_; }
  size_t width() const { return bounds_.size() + 1; }  // includes the one of +Inf

  std::optional<size_t> OfSlot(uint64_t slot) const;
  size_t OfValue(double value) const;  // not for NaN

 private:
  struct Place {
    uint64_t slot = 0;
    size_t bucket = 0;
  };

  std::vector<double> bounds_;
  std::vector<Place> by_slot_;  // ascending
};

}  // namespace bpftally
