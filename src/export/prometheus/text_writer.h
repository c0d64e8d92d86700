#pragma once

#include <functional>

#include "export/prometheus/text_format.h"
#include "export/prometheus/text_sink.h"
#include "model/metric_batch.h"

namespace bpftally {

// Which families to write; an empty one takes all.
using FamilyFilter = std::function<bool(const MetricFamily&)>;

// Streams a batch as an exposition. Memory does not grow with the batch.
void WriteText(const MetricBatch& batch, TextFormat format, const TextSink& sink,
               const FamilyFilter& filter = {});

}  // namespace bpftally
