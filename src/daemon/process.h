#pragma once

#include <chrono>

namespace bpftally {

// SIGTERM and SIGINT wait for WaitForEnd() from now on. Before any thread begins: they inherit it.
void BlockEndSignals();

// Until SIGTERM or SIGINT.
void WaitForEnd();

// The process is gone in so long at the latest, even if a system call hangs; a second signal ends
// it at once. The kernel frees whatever we hold.
void EndWithin(std::chrono::seconds grace);

// A walk holds few descriptors at a time, but scrapes and iterators add up: take what we may have.
void RaiseFileLimit();

// Gives what one large response took back to the system. glibc would keep the heap of each thread
// that ever served one, and learn from freed blocks to keep ever larger ones.
void KeepHeapSmall();

}  // namespace bpftally
