#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/error.h"

struct btf;

namespace bpftally {

class BpfSys;

struct BtfFree {
  void operator()(btf* types) const;
};
using BtfPtr = std::unique_ptr<btf, BtfFree>;

// Distinguishes one map of an object from another with the same first 15 characters.
struct MapIdentity {
  std::string_view short_name;  // the kernel's
  uint32_t key_type_id = 0;
  uint32_t value_type_id = 0;
};

// Finds the full names that BTF objects hold, by BTF id. The kernel's own names end after 15
// characters. Parsed BTF is kept, up to a limit, until EndPass(): many lookups of one pass ask for
// the same object, and callers cache the names. BTF comes from whoever loaded it: what does not
// parse gives no name, and none makes a pass long or large.
class BtfNames {
 public:
  explicit BtfNames(BpfSys& sys) : sys_(sys) {}

  // The name of a type (function, typedef); empty when there is none. kPermission without
  // CAP_SYS_ADMIN; kExhausted, until the next pass, once this one has read too much.
  Result<std::string> TypeName(uint32_t btf_id, uint32_t type_id);

  // The one variable of the object's map sections that fits; empty where none does, or more than
  // one.
  Result<std::string> MapName(uint32_t btf_id, const MapIdentity& map);

  void EndPass();

 private:
  // A variable of a map section. What its definition does not say is 0.
  struct MapVariable {
    std::string_view name;  // in the memory of its BTF
    uint32_t key_type_id = 0;
    uint32_t value_type_id = 0;
  };
  struct Parsed {
    BtfPtr types;                                                 // empty: it does not parse
    std::optional<std::vector<MapVariable>> maps = std::nullopt;  // once they were asked for
  };

  static std::vector<MapVariable> ReadMaps(const btf* types);
  static bool Fits(const MapVariable& variable, const MapIdentity& map);
  // The result is valid until the next call.
  Result<Parsed*> Load(uint32_t btf_id);
  void MakeRoom(size_t bytes);

  BpfSys& sys_;
  std::unordered_map<uint32_t, Parsed> parsed_;
  size_t held_bytes_ = 0;
  size_t read_bytes_ = 0;  // in this pass
};

}  // namespace bpftally
