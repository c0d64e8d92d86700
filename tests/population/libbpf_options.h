#pragma once

namespace bpftally {

// Makes libbpf's options with their size set, as LIBBPF_OPTS does in C.
template <typename Options>
Options EmptyOptions() {
  Options options{};
  options.sz = sizeof(options);
  return options;
}

}  // namespace bpftally
