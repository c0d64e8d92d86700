#pragma once

#include <string_view>

#include "base/error.h"
#include "model/metric_batch.h"
#include "programs/plan/plan.h"
#include "programs/read/rows.h"

namespace bpftally {

// The number that a field's bytes are: uint64_t, int64_t or double, by its encoding. Unsigned and
// signed ones have 1 to 8 bytes, of the host's order.
Number LoadNumber(std::string_view bytes, Encoding encoding);

double ToDouble(const Number& number);

// Adds up: integers exactly (and wrapping), else as doubles.
void Add(const Number& number, Number& sum);

// kInvalid where these rows have no such bytes, or no number has so many.
Result<void> CheckField(const FieldPlan& field, const Rows& rows);

// Reads the value of rows.
class ValueReader {
 public:
  explicit ValueReader(const ValuePlan& plan) : plan_(plan) {}

  Result<void> Check(const Rows& rows) const {
    return plan_.field ? CheckField(*plan_.field, rows) : Result<void>();
  }

  // Of rows that were checked.
  Number Of(const Row& row) const;
  Number SumOf(const Rows& rows, size_t row) const;  // of all CPUs

  bool each_cpu() const { return plan_.cpus == CpuRule::kEach; }

 private:
  Number Raw(const Row& row) const;
  Number Finished(const Number& sum) const;

  const ValuePlan plan_;
};

}  // namespace bpftally
