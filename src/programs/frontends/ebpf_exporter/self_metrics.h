#pragma once

#include "programs/plan/plan.h"

namespace bpftally {

// What ebpf_exporter calls the families that tell of the metric programs themselves.
SelfMetrics EbpfExporterSelfMetrics();

}  // namespace bpftally
