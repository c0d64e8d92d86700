#include "programs/evaluate/span_source.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <utility>

#include "base/utf8.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

Error Bad(std::string_view label, std::string_view value, std::string_view expected) {
  return {ErrorKind::kInvalid, 0,
          fmt::format("span label {} is \"{}\", expected {}", label, ToOneLine(value), expected)};
}

template <typename Number>
bool ParseWhole(std::string_view text, Number& number, int base) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  return error == std::errc() && end == text.data() + text.size();
}

template <size_t kSize>
Result<void> SetId(std::string_view label, std::string_view value, std::array<uint8_t, kSize>& id) {
  bool good = value.size() == 2 * kSize;
  for (size_t i = 0; good && i < kSize; ++i) good = ParseWhole(value.substr(2 * i, 2), id[i], 16);
  if (good) return {};
  return std::unexpected(Bad(label, value, fmt::format("{} hexadecimal digits", 2 * kSize)));
}

Result<void> SetNumber(std::string_view label, std::string_view value, uint64_t& number) {
  if (ParseWhole(value, number, 10)) return {};
  return std::unexpected(Bad(label, value, "a decimal number"));
}

// Turns a time of bpf_ktime_get_ns(), which counts like CLOCK_MONOTONIC, into that of the wall
// clock.
int64_t WallOf(uint64_t monotonic_ns, const Clock& clock) {
  const auto now = static_cast<uint64_t>(clock.Now().time_since_epoch().count());
  return clock.WallNanoseconds() + static_cast<int64_t>(monotonic_ns - now);
}

template <size_t kSize>
bool IsZero(const std::array<uint8_t, kSize>& id) {
  return std::ranges::all_of(id, [](uint8_t byte) { return byte == 0; });
}

}  // namespace

Result<std::unique_ptr<SpanSource>> SpanSource::Make(const SpanPlan& plan, HostTables& tables,
                                                     const Clock& clock, SpanQueue& queue) {
  auto labels = RowDecoder::Make(plan.labels, {}, tables);
  if (!labels) return std::unexpected(labels.error());
  return std::unique_ptr<SpanSource>(new SpanSource(plan, std::move(*labels), clock, queue));
}

SpanSource::SpanSource(const SpanPlan& plan, RowDecoder labels, const Clock& clock,
                       SpanQueue& queue)
    : labels_(std::move(labels)),
      clock_(clock),
      queue_(queue),
      random_((uint64_t{std::random_device{}()} << 32) | std::random_device{}()) {
  blank_.name = plan.name;
  blank_.service = plan.service;
  for (const auto& [name, value] : plan.attributes)
    blank_.attributes.emplace_back(name, ToValidUtf8(value));
}

void SpanSource::OnEvent(std::span<const std::byte> event) {
  const auto verdict = labels_.Decode({.key = {}, .value = AsText(event)});
  if (verdict && *verdict == Decoder::Verdict::kDrop) return;
  auto span = verdict ? MakeSpan() : std::unexpected(verdict.error());
  if (!span) {
    ++decode_errors_;
    return;
  }
  ++spans_;
  if (!queue_.Push(std::move(*span))) ++dropped_;
}

Result<SpanRecord> SpanSource::MakeSpan() {
  SpanRecord span = blank_;
  span.start_time_ns = clock_.WallNanoseconds();
  for (size_t i = 0; i < labels_.names().size(); ++i) {
    if (auto set = Set(labels_.names()[i], labels_.values()[i], span); !set)
      return std::unexpected(set.error());
  }
  MakeUpIfZero(span.trace_id);
  MakeUpIfZero(span.span_id);
  return span;
}

Result<void> SpanSource::Set(const std::string& label, const std::string& value, SpanRecord& span) {
  if (label == "trace_id") return SetId(label, value, span.trace_id);
  if (label == "span_id") return SetId(label, value, span.span_id);
  if (label == "parent_span_id") return SetId(label, value, span.parent_span_id);
  if (label == "span_duration_ns") return SetNumber(label, value, span.duration_ns);
  if (label == "span_monotonic_timestamp_ns") {
    uint64_t monotonic = 0;
    if (auto set = SetNumber(label, value, monotonic); !set) return set;
    span.start_time_ns = WallOf(monotonic, clock_);
  } else if (label == "span_name") {
    span.name = value;
  } else {
    span.attributes.emplace_back(label, value);
  }
  return {};
}

template <size_t kSize>
void SpanSource::MakeUpIfZero(std::array<uint8_t, kSize>& id) {
  while (IsZero(id)) std::ranges::generate(id, [&] { return static_cast<uint8_t>(random_()); });
}

}  // namespace bpftally
