#pragma once

namespace bpftally {

// libbpf's options with their size, as LIBBPF_OPTS does it in C.
template <typename Options>
Options EmptyOptions() {
  Options options{};
  options.sz = sizeof(options);
  return options;
}

}  // namespace bpftally
