#include "collect/labels.h"

#include <fmt/compile.h>
#include <fmt/format.h>

#include <chrono>

namespace bpftally {

std::string_view BoolLabel(bool value) { return value ? "true" : "false"; }

std::string_view BoolLabel(std::optional<bool> value) {
  return value ? BoolLabel(*value) : std::string_view();
}

std::string_view NumberLabel(std::optional<uint64_t> value, MetricBatch& batch) {
  return value ? batch.InternNumber(*value) : std::string_view();
}

std::string_view TimeLabel(std::optional<int64_t> ns_since_epoch, MetricBatch& batch) {
  if (!ns_since_epoch) return {};
  using std::chrono::floor;
  const std::chrono::sys_time<std::chrono::nanoseconds> time{
      std::chrono::nanoseconds(*ns_since_epoch)};
  const auto day = floor<std::chrono::days>(time);
  const std::chrono::year_month_day date(day);
  const std::chrono::hh_mm_ss clock(floor<std::chrono::seconds>(time - day));
  fmt::memory_buffer text;
  fmt::format_to(std::back_inserter(text), FMT_COMPILE("{:04}-{:02}-{:02} {:02}:{:02}:{:02}"),
                 static_cast<int>(date.year()), static_cast<unsigned>(date.month()),
                 static_cast<unsigned>(date.day()), clock.hours().count(), clock.minutes().count(),
                 clock.seconds().count());
  return batch.Intern({text.data(), text.size()});
}

std::string_view TypeLabel(uint32_t type, TypeNamer namer, bool as_number, MetricBatch& batch) {
  return as_number ? batch.InternNumber(type) : namer(type);
}

}  // namespace bpftally
