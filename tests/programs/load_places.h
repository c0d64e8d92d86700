#pragma once

// Places that load_places.bpf.c and its test agree upon.
enum Place {
  AT_TRACEPOINT,
  AT_RAW_TRACEPOINT,
  AT_TYPED_TRACEPOINT,
  AT_FREQUENCY,
  AT_PERIOD,
  AT_USER_FUNCTION,
  AT_MARK,
  AT_USDT,
  AT_EACH_MAP,
  AT_CGROUP,
  PLACES,
};

enum { USDT_ARGUMENT = 4711 };

#if defined(__x86_64__) || defined(__TARGET_ARCH_x86)
enum { SYSCALL_GETPPID = 110 };
#else
enum { SYSCALL_GETPPID = 173 };  // the number on all newer architectures
#endif
