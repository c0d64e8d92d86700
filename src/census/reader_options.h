#pragma once

#include <cstddef>

namespace bpftally {

enum class SourceChoice { kAuto, kIterator, kSyscall };  // --source

struct ReaderOptions {
  SourceChoice source = SourceChoice::kAuto;
  bool run_stats = false;     // hold a BPF_ENABLE_STATS fd as long as the reader lives
  bool scan_entries = false;  // count entries key by key where no source gives their number
  size_t max_scanned_entries = 100'000;  // per map and pass, with scan_entries
};

}  // namespace bpftally
