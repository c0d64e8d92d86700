#include "programs/frontends/ebpf_exporter/self_metrics.h"

namespace bpftally {

SelfMetrics EbpfExporterSelfMetrics() {
  return {
      .configurations = {"ebpf_exporter_enabled_configs", "The set of enabled configs"},
      .functions = {"ebpf_exporter_ebpf_program_info", "Info about ebpf programs"},
      .attached = {"ebpf_exporter_ebpf_program_attached", "Whether a program is attached"},
      .run_time_seconds = {"ebpf_exporter_ebpf_program_run_time_seconds",
                           "How long has the program been executing"},
      .runs = {"ebpf_exporter_ebpf_program_run_count_total",
               "How many times has the program been executed"},
      .decoder_errors = {"ebpf_exporter_decoder_errors_total",
                         "How many times has decoders encountered errors"},
  };
}

}  // namespace bpftally
