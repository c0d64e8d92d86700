#include "programs/evaluate/row_filter.h"

#include <string_view>
#include <utility>

#include "programs/evaluate/row_decoder.h"

namespace bpftally {
namespace {

constexpr std::string_view kZeroKey("\0\0\0\0", 4);

}  // namespace

Result<RowFilter> RowFilter::Make(const MetricPlan& plan, HostTables& tables) {
  RowFilter filter;
  filter.needs_zero_key_ = plan.needs_zero_key;
  for (const SelectorPlan& selector : plan.selectors) {
    auto chain = DecoderChain::Make(selector.column.decoders, tables);
    if (!chain) return std::unexpected(Wrap(chain.error(), "selector " + selector.column.name));
    filter.selectors_.push_back(
        {selector.column.field, std::move(*chain), selector.comparison, selector.operand});
  }
  return filter;
}

Result<bool> RowFilter::Wants(const Row& row) {
  if (needs_zero_key_ && row.key != kZeroKey) {
    return std::unexpected(
        Error{ErrorKind::kInvalid, 0,
              "the map has keys other than four zero bytes, and no label for them"});
  }
  for (Selector& selector : selectors_) {
    const auto matches = Matches(selector, row);
    if (!matches || !*matches) return matches;
  }
  return true;
}

// Returns whether a row matches; a value that a decoder drops matches nothing.
Result<bool> RowFilter::Matches(Selector& selector, const Row& row) {
  const auto bytes = FieldBytes(row, selector.field);
  if (!bytes) return std::unexpected(Wrap(bytes.error(), "selector"));
  const auto verdict = selector.chain.Decode(*bytes, text_, scratch_);
  if (!verdict) return std::unexpected(Wrap(verdict.error(), "selector"));
  if (*verdict == Decoder::Verdict::kDrop) return false;
  return (text_ == selector.operand) == (selector.comparison == Comparison::kEqual);
}

}  // namespace bpftally
