#pragma once

#include <memory>

#include "programs/decode/label_decoder.h"
#include "programs/evaluate/metric_evaluator.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Of a plan with a histogram: the entry's last label is the slot, the others tell whose histogram.
Result<std::unique_ptr<MetricEvaluator>> MakeHistogramEvaluator(const MetricPlan& plan,
                                                                HostTables& tables);

// An unsigned number with the base that its prefix tells: 0x, 0o or 0, 0b, else ten.
Result<uint64_t> ParseSlot(std::string_view text);

}  // namespace bpftally
