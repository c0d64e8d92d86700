#include "export/otlp/otlp_encoder_delta.h"

#include <algorithm>
#include <functional>
#include <type_traits>
#include <variant>

namespace bpftally {
namespace {

double Difference(double now, double told) { return now >= told ? now - told : now; }

// Whether the buckets are the same ones and none of them lost anything.
bool GoesOn(const HistogramSample& now, const HistogramSample& told) {
  return std::ranges::equal(now.upper_bounds, told.upper_bounds) &&
         std::ranges::equal(now.counts, told.counts, std::greater_equal());
}

}  // namespace

Number Increase(const Number& now, const Number& told) {
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
      now, told);
}

HistogramSample Increase(const HistogramSample& now, const HistogramSample& told,
                         std::vector<uint64_t>& counts) {
  if (!GoesOn(now, told)) return now;
  counts.resize(now.counts.size());
  std::ranges::transform(now.counts, told.counts, counts.begin(), std::minus());
  HistogramSample increase = now;
  increase.counts = counts;
  // A sum that was not told before counts since another start than the buckets.
  increase.sum.reset();
  if (now.sum && told.sum) increase.sum = Increase(*now.sum, *told.sum);
  return increase;
}

}  // namespace bpftally
