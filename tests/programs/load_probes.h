#pragma once

// Places that load_probes.bpf.c and its test agree upon.
enum Probe {
  BY_KPROBE,
  BY_KRETPROBE,
  BY_KSYSCALL,
  BY_KRETSYSCALL,
  BY_KPROBE_MULTI,
  BY_KRETPROBE_MULTI,
  BY_FENTRY,
  BY_FEXIT,
  PROBES,
};
