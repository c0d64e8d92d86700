#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "base/error.h"
#include "model/metric_batch.h"
#include "programs/plan/plan.h"
#include "programs/read/rows.h"

namespace bpftally {

// Loads a number from the bytes of a field: uint64_t, int64_t or double, by its encoding. Unsigned
// and signed ones have 1 to 8 bytes, in host order.
Number LoadNumber(std::string_view bytes, Encoding encoding);

double ToDouble(const Number& number);

// Adds `number` to `sum`: integers exactly (and wrapping), anything else as doubles.
void Add(const Number& number, Number& sum);

// Fails with kInvalid if these rows are too short for the field, or no number has its size.
Result<void> CheckField(const FieldPlan& field, const Rows& rows);

// Reads the values of rows.
class ValueReader {
 public:
  explicit ValueReader(const ValuePlan& plan) : plan_(plan), is_plain_(IsPlain(plan)) {}

  Result<void> Check(const Rows& rows) const {
    return plan_.field ? CheckField(*plan_.field, rows) : Result<void>();
  }

  // Returns the value of a row, which must have been checked.
  Number Of(const Row& row) const;
  // Returns the sum of a row's values on all CPUs.
  Number SumOf(const Rows& rows, size_t row) const {
    if (!is_plain_) return AnySumOf(rows, row);
    return plan_.as_double ? Number(PlainSumOf<double>(rows, row))
                           : Number(PlainSumOf<uint64_t>(rows, row));
  }

  bool each_cpu() const { return plan_.cpus == CpuRule::kEach; }

 private:
  // Returns whether the value is a plain 64-bit number, the usual case: a poll of a large map took
  // a tenth longer without this shortcut.
  static bool IsPlain(const ValuePlan& plan) {
    return plan.field && plan.field->part == Part::kValue &&
           plan.field->encoding == Encoding::kUnsigned && plan.field->size == sizeof(uint64_t) &&
           plan.multiplier == 1;
  }
  template <typename T>
  T PlainSumOf(const Rows& rows, size_t row) const {
    const char* at = rows.Value(row).data() + plan_.field->offset;
    T sum = 0;
    for (size_t cpu = 0; cpu < rows.cpus; ++cpu, at += rows.value_size) {
      uint64_t number = 0;
      std::memcpy(&number, at, sizeof number);
      sum += static_cast<T>(number);
    }
    return sum;
  }

  Number AnySumOf(const Rows& rows, size_t row) const;
  Number Raw(const Row& row) const;
  Number Finished(const Number& sum) const;

  const ValuePlan plan_;
  const bool is_plain_;
};

}  // namespace bpftally
