#pragma once

#include <string>
#include <vector>

#include "base/error.h"
#include "programs/decode/decoder.h"
#include "programs/plan/plan.h"
#include "programs/read/rows.h"

namespace bpftally {

// Tells which rows are a metric's. One thread.
class RowFilter {
 public:
  // `tables` must outlive it.
  static Result<RowFilter> Make(const MetricPlan& plan, HostTables& tables);

  bool wants_all() const { return !needs_zero_key_ && selectors_.empty(); }

  // kInvalid where a row has no meaning.
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
