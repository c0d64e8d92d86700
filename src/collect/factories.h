#pragma once

// One factory per collector: only collectors.cc needs them.

#include <memory>

#include "collect/collector.h"
#include "collect/object_families.h"

namespace bpftally {

std::unique_ptr<Collector> MakeProgramsCollector(const CollectOptions& options,
                                                 std::shared_ptr<DroppedSeries> dropped);
std::unique_ptr<Collector> MakeMapsCollector(const CollectOptions& options,
                                             std::shared_ptr<DroppedSeries> dropped);
std::unique_ptr<Collector> MakeLinksCollector(const CollectOptions& options,
                                              std::shared_ptr<DroppedSeries> dropped);
std::unique_ptr<Collector> MakeBtfCollector(std::shared_ptr<DroppedSeries> dropped);
std::unique_ptr<Collector> MakeAggregatesCollector(const CollectOptions& options);
std::unique_ptr<Collector> MakeSelfCollector(const CollectOptions& options,
                                             std::shared_ptr<const DroppedSeries> dropped);

}  // namespace bpftally
