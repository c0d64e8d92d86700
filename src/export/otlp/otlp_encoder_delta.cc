#include "export/otlp/otlp_encoder_delta.h"

#include <algorithm>
#include <functional>
#include <type_traits>
#include <variant>

namespace bpftally {
namespace {

double Difference(double now, double before) { return now >= before ? now - before : now; }

// Tells whether the bounds are the same and no bucket has lost anything.
bool GoesOn(const HistogramSample& now, const HistogramSample& before) {
  return std::ranges::equal(now.upper_bounds, before.upper_bounds) &&
         std::ranges::equal(now.counts, before.counts, std::greater_equal());
}

}  // namespace

Number Increase(const Number& now, const Number& before) {
  return std::visit(
      [&](auto a, auto b) -> Number {
        if constexpr (!std::is_same_v<decltype(a), decltype(b)>) {
          return Difference(static_cast<double>(a), static_cast<double>(b));
        } else if constexpr (std::is_integral_v<decltype(a)>) {
          if (a < b) return a;
          return static_cast<uint64_t>(a) - static_cast<uint64_t>(b);
        } else {
          return Difference(a, b);
        }
      },
      now, before);
}

HistogramSample Increase(const HistogramSample& now, const HistogramSample& before,
                         std::vector<uint64_t>& counts) {
  if (!GoesOn(now, before)) return now;
  counts.resize(now.counts.size());
  std::ranges::transform(now.counts, before.counts, counts.begin(), std::minus());
  HistogramSample increase = now;
  increase.counts = counts;
  // Omits a sum that was not reported before: its start differs from the buckets'.
  increase.sum.reset();
  if (now.sum && before.sum) increase.sum = Increase(*now.sum, *before.sum);
  return increase;
}

}  // namespace bpftally
