#pragma once

#include "population/facts.h"
#include "population/scene.h"

namespace bpftally {

// Makes one link of every type, several if the targets differ in kind, from existing programs.
// Labels: name of the type, followed by a slash and the attach type or kind of target.
void MakeLinks(Made& made, const OwnCgroup& cgroup, const OwnNetns& netns);

// Attaches the programs of perf events, uprobes and kprobes, whose links need a perf event or
// symbols.
void MakeProbeLinks(Made& made);

}  // namespace bpftally
