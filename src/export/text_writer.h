#pragma once

#include <functional>
#include <string_view>

#include "export/text_format.h"
#include "model/metric_batch.h"

namespace bpftally {

// Takes the text piece by piece, in order; pieces are a few ten KiB.
using TextSink = std::function<void(std::string_view)>;

// Which families to write; an empty one takes all.
using FamilyFilter = std::function<bool(const MetricFamily&)>;

// Streams a batch as an exposition. Memory does not grow with the batch.
void WriteText(const MetricBatch& batch, TextFormat format, const TextSink& sink,
               const FamilyFilter& filter = {});

}  // namespace bpftally
