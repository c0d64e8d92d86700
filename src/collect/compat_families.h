#pragma once

// --compat=bpf-metrics-exporter: the eleven metrics as that exporter's reach Prometheus through an
// OpenTelemetry collector, for dashboards that were made on them. They differ from its
// documentation, which our own names follow: decimal tags, names of 15 characters, a map_ids label,
// numbered link types, its own spelling of map types, and units in the names.

#include "collect/object_families.h"

namespace bpftally {

// Each stands in for the info family, and for the families of sizes and load time, of one
// collector.
void AddCompatPrograms(ObjectFamilies<ProgramInfo>& families, MetricBatch& batch);
void AddCompatMaps(ObjectFamilies<MapInfo>& families, MetricBatch& batch);
void AddCompatLinks(ObjectFamilies<LinkInfo>& families, MetricBatch& batch);

}  // namespace bpftally
