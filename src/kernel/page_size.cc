#include "kernel/page_size.h"

#include <unistd.h>

namespace bpftally {

uint64_t PageSize() {
  static const auto page_size = static_cast<uint64_t>(::sysconf(_SC_PAGESIZE));
  return page_size;
}

}  // namespace bpftally
