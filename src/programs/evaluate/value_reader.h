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
  explicit ValueReader(const ValuePlan& plan) : plan_(plan), is_plain_(IsPlain(plan)) {}

  Result<void> Check(const Rows& rows) const {
    return plan_.field ? CheckField(*plan_.field, rows) : Result<void>();
  }

  // Of rows that were checked.
  Number Of(const Row& row) const;
  // Of all CPUs.
  Number SumOf(const Rows& rows, size_t row) const {
    if (!is_plain_) return AnySumOf(rows, row);
    return plan_.as_double ? Number(PlainSumOf<double>(rows, row))
                           : Number(PlainSumOf<uint64_t>(rows, row));
  }

  bool each_cpu() const { return plan_.cpus == CpuRule::kEach; }

 private:
  // 64 bits of the value, as nearly always: a poll of a large map took a tenth longer without this.
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
