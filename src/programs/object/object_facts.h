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

// What the object file says of itself: read without privilege (object_facts.cc).
struct ObjectField {  // a member of a map's key struct
  std::string name;
  size_t offset = 0;
  size_t size = 0;
};

struct ObjectMap {
  std::string name;   // whole, from its BTF variable
  uint32_t type = 0;  // BPF_MAP_TYPE_*
  uint32_t key_size = 0;
  uint32_t value_size = 0;
  uint32_t max_entries = 0;
  std::vector<ObjectField> key_fields = {};  // empty where the key is no struct, or has no BTF
};

struct ObjectFacts {
  std::vector<ObjectMap> maps = {};
  std::vector<FunctionPlan> programs = {};

  const ObjectMap* FindMap(std::string_view name) const;
};

// Reads a BPF object file without privilege and without the kernel. What libbpf says of a broken
// one stands in the error.
Result<ObjectFacts> ReadObjectFacts(const std::string& path);

}  // namespace bpftally
