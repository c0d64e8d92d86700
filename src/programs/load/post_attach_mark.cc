#include "programs/load/post_attach_mark.h"

// noinline: the address that the probe sits on is really called.
extern "C" [[gnu::noinline, gnu::used, gnu::visibility("default")]] void post_attach_mark() {
  asm volatile("" ::: "memory");
}
