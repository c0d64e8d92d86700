#pragma once

#include "population/facts.h"
#include "population/scene.h"

namespace bpftally {

// One link of every type, several where the target differs in kind, of programs made before.
// Labels: the type's name; with the attach type or the kind of target after a slash.
void MakeLinks(Made& made, const OwnCgroup& cgroup, const OwnNetns& netns);

// The programs of perf events, uprobes and kprobes: links that want a perf event or symbols first.
void MakeProbeLinks(Made& made);

}  // namespace bpftally
