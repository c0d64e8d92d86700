#include "programs/post_attach_mark.h"

// noipa: the address that the probe sits on is really called.
extern "C" [[gnu::noipa, gnu::used, gnu::visibility("default")]] void post_attach_mark() {
  asm volatile("" ::: "memory");
}
