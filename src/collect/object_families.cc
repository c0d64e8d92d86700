#include "collect/object_families.h"

#include <fmt/format.h>

#include <chrono>

namespace bpftally {

std::optional<Number> LoadSeconds(const ProgramInfo& info) {
  if (!info.load_time_ns) return std::nullopt;
  const std::chrono::nanoseconds time(*info.load_time_ns);
  return Number(int64_t{std::chrono::floor<std::chrono::seconds>(time).count()});
}

int64_t ProcessStart(const Snapshot& snapshot) {
  return static_cast<int64_t>(snapshot.process.start_time_seconds.value_or(0) * 1e9);
}

Result<void> CheckComplete(const Snapshot& snapshot, ObjectKind kind) {
  const KindStatus& status = snapshot.StatusOf(kind);
  if (status.complete) return {};
  if (status.error) return std::unexpected(*status.error);
  return std::unexpected(
      Error{ErrorKind::kInternal, 0,
            fmt::format("the walk of kind \"{}\" is not complete", ObjectKindName(kind))});
}

FamilySpec SizeSpec(FamilySpec gauge, bool as_gauge) {
  if (!as_gauge) {
    gauge.type = MetricType::kCounter;
    gauge.name += "_total";
  }
  return gauge;
}

}  // namespace bpftally
