#pragma once

// Label values. An unknown one is the empty string, to Prometheus the same as no label.

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/metric_batch.h"

namespace bpftally {

std::string_view BoolLabel(bool value);
std::string_view BoolLabel(std::optional<bool> value);
std::string_view NumberLabel(std::optional<uint64_t> value, MetricBatch& batch);

// "2026-11-21 08:15:00", in UTC.
std::string_view TimeLabel(std::optional<int64_t> ns_since_epoch, MetricBatch& batch);

using TypeNamer = std::string_view (*)(uint32_t type);  // of model/type_names.h
std::string_view TypeLabel(uint32_t type, TypeNamer namer, bool as_number, MetricBatch& batch);

}  // namespace bpftally
