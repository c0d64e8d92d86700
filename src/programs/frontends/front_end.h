#pragma once

// A front end turns one format of configurations into plans. To add one:
//
// 1. Make a folder for it below frontends/, and a row for the folder in tests/layers_test.sh. The
//    structs that its text is read into stay in that folder: nothing else sees them.
// 2. Write its Compile: check the text against what the object file says, and return a ProgramPlan
//    (plan/plan.h) and all findings at once, each with its place. It asks neither the kernel nor
//    the host, so that the same files give the same plan on every machine.
// 3. Write its Detects, which tells the format by its text.
// 4. Add it to the list in front_ends.cc, before those that take what no other wants.
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

// A configuration as it lies on disk. Its object is the file beside it that ends in .bpf.o.
struct ConfigText {
  std::string_view text;  // with more than kMaxConfigBytes it is refused
  std::string file;       // for messages; its stem is the program's name
};

struct Compiled {
  ProgramPlan plan;
  Findings findings;  // with errors the plan is not to be run
};

struct FrontEnd {
  std::string_view name;
  bool (*detects)(const ConfigText& config);
  // `object` is null where it cannot be read, which is an error already: the text alone is checked.
  Compiled (*compile)(const ConfigText& config, const ObjectFacts* object);
};

// All of them, in the order in which they are asked. The last one takes any text.
std::span<const FrontEnd> FrontEnds();

// The program's name: the stem of its configuration's file.
std::string ProgramNameOf(const std::string& file);

// Where its object is.
std::string ObjectFileOf(const std::string& file);

// The plan of the first front end of `front_ends` that detects its format.
Compiled Compile(const ConfigText& config, const ObjectFacts* object,
                 std::span<const FrontEnd> front_ends = FrontEnds());

}  // namespace bpftally
