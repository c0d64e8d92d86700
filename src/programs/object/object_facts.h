#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Facts that the object file states about itself, read without privilege (object_facts.cc).
struct ObjectField {  // describes a member of a map's key struct
  std::string name;
  size_t offset = 0;
  size_t size = 0;
};

struct ObjectMap {
  std::string name;   // full name, from its BTF variable
  uint32_t type = 0;  // BPF_MAP_TYPE_*
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  std::vector<ObjectField> key_fields = {};  // empty if the key is no struct, or has no BTF
};

struct ObjectFacts {
  std::vector<ObjectMap> maps = {};
  std::vector<FunctionPlan> programs = {};

  const ObjectMap* FindMap(std::string_view name) const;
};

// Reads a BPF object file without privilege and without the kernel. The error for a broken one has
// libbpf's reason.
Result<ObjectFacts> ReadObjectFacts(const std::string& path);

}  // namespace bpftally
