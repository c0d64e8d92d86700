#pragma once

// Facts about the objects of the population, known from making them. They are stored in the model's
// own structs; an empty optional is unknown to the maker (or not promised by the kernel) and is not
// compared.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/unique_fd.h"
#include "model/snapshot.h"

namespace bpftally {

struct KnownProgram {
  ProgramInfo made;
  std::string label;  // identifies the object in messages
  UniqueFd fd;
  int64_t loaded_after_ns = 0;  // wall clock: made.load_time_ns lies between the two
  int64_t loaded_before_ns = 0;
};

struct KnownMap {
  MapInfo made;
  std::string label;
  UniqueFd fd;
};

struct KnownLink {
  LinkInfo made;
  std::string label;
  UniqueFd fd;
  bool lacks_attach_type = false;  // must be reported without an attach type
};

// An object that this kernel refused. `excused`: the kernel lacks the feature, or forbids it here.
struct Refused {
  std::string label;
  int sys_errno = 0;
  bool excused = false;
};

struct Made {
  std::vector<KnownProgram> programs;
  std::vector<KnownMap> maps;
  std::vector<KnownLink> links;
  std::vector<Refused> refused;
  std::vector<std::shared_ptr<void>> kept;  // kept alive: sockets, perf events, buffers

  const KnownProgram* Program(std::string_view label) const;  // null: the kernel refused it
  const KnownMap* Map(std::string_view label) const;
  const KnownLink* Link(std::string_view label) const;

  void Refuse(std::string label, int sys_errno, bool excused);
};

// Takes over a file descriptor, and adds the facts that only the kernel knows: ids, tag, jitted
// size, memory.
void Keep(Made& made, KnownProgram program);
void Keep(Made& made, KnownMap map);
void Keep(Made& made, KnownLink link);

}  // namespace bpftally
