#pragma once

// A front end turns one format of configurations into plans. To add one:
//
// 1. Make a folder for it below frontends/, and a row for the folder in tests/layers_test.sh. The
//    structs that its text is read into stay in that folder: nothing else sees them.
// 2. Write its Compile: check the text against the object file, and return a ProgramPlan
//    (plan/plan.h) and all findings at once, each with its place. It asks neither the kernel nor
//    the host, so that the same files give the same plan on every machine.
// 3. Write its Detects, which recognises the format by its text.
// 4. Add it to the list in front_ends.cc, before front ends that accept any text.
//
// Loading, reading, evaluating and publishing need no change: they see the plan only.

#include <span>
#include <string>
#include <string_view>

#include "base/finding.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"

namespace bpftally {

inline constexpr size_t kMaxConfigBytes = size_t{4} << 20;

// Holds a configuration as it is on disk. Its object is the file beside it that ends in .bpf.o.
struct ConfigText {
  std::string_view text;  // refused if larger than kMaxConfigBytes
  std::string file;       // for messages; its stem is the program's name
};

struct Compiled {
  ProgramPlan plan;
  Findings findings;  // with errors the plan must not run
};

struct FrontEnd {
  std::string_view name;
  bool (*detects)(const ConfigText& config);
  // Compiles a configuration. `object` is null if it cannot be read, which is already an error;
  // then only the text is checked.
  Compiled (*compile)(const ConfigText& config, const ObjectFacts* object);
};

// Returns all front ends in the order in which they are asked. The last one accepts any text.
std::span<const FrontEnd> FrontEnds();

// Returns the program's name: the stem of its configuration's file.
std::string ProgramNameOf(const std::string& file);

// Returns the path of the program's object.
std::string ObjectFileOf(const std::string& file);

// Compiles a configuration by the first of `front_ends` that detects its format.
Compiled Compile(const ConfigText& config, const ObjectFacts* object,
                 std::span<const FrontEnd> front_ends = FrontEnds());

}  // namespace bpftally
