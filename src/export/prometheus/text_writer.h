#pragma once

#include <functional>

#include "export/prometheus/text_format.h"
#include "export/prometheus/text_sink.h"
#include "model/metric_batch.h"

namespace bpftally {

// Selects the families to write; an empty filter selects all.
using FamilyFilter = std::function<bool(const MetricFamily&)>;

// Writes a batch in the exposition format to the sink. Memory does not grow with the batch.
void WriteText(const MetricBatch& batch, TextFormat format, const TextSink& sink,
               const FamilyFilter& filter = {});

}  // namespace bpftally
