#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "programs/decode/decoder.h"
#include "programs/plan/plan.h"
#include "programs/read/rows.h"

namespace bpftally {

// Decides which rows belong to a metric. For use by one thread.
class RowFilter {
 public:
  // Makes a filter, which `tables` must outlive.
  static Result<RowFilter> Make(const MetricPlan& plan, HostTables& tables);

  bool wants_all() const { return !needs_zero_key_ && selectors_.empty(); }

  // Returns whether the metric wants a row; fails with kInvalid if the row makes no sense.
  Result<bool> Wants(const Row& row);

 private:
  struct Selector {
    FieldPlan field;
    DecoderChain chain;
    Comparison comparison;
    std::string operand;
  };

  Result<bool> Matches(Selector& selector, const Row& row);

  bool needs_zero_key_ = false;
  std::vector<Selector> selectors_;
  std::string text_;
  std::string scratch_;
};

}  // namespace bpftally
