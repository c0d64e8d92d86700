#include "host/page_size.h"

#include <unistd.h>

namespace bpftally {

size_t PageSize() { return static_cast<size_t>(::sysconf(_SC_PAGESIZE)); }

}  // namespace bpftally
