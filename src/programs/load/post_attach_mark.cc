#include "programs/load/post_attach_mark.h"

// Not inlined, so that the address under the probe is really called.
extern "C" [[gnu::noinline, gnu::used, gnu::visibility("default")]] void post_attach_mark() {
  asm volatile("" ::: "memory");
}
