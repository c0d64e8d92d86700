#pragma once

// Hook of programs in SEC("uprobe//proc/self/exe:post_attach_mark"): call it once, when all
// programs of the process are attached. It does nothing, but exists also in a stripped binary.
extern "C" void post_attach_mark();  // NOLINT(readability-identifier-naming): as programs say it
