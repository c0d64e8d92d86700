#include "kernel/btf_names.h"

#include <bpf/btf.h>
#include <fmt/format.h>

#include <cstring>
#include <utility>
#include <vector>

#include "kernel/bpf_sys.h"
#include "kernel/object_info.h"

namespace bpftally {
namespace {

constexpr size_t kShortName = BPF_OBJ_NAME_LEN - 1;

std::string NameOf(const btf* types, const btf_type* type) {
  const char* name = type == nullptr ? nullptr : btf__name_by_offset(types, type->name_off);
  return name == nullptr ? std::string() : std::string(name);
}

const btf_type* SkipTo(const btf* types, uint32_t id, bool (*is_kind)(const btf_type*)) {
  constexpr int kMaxHops = 32;  // typedefs and modifiers of an untrusted object may form a ring
  for (int hop = 0; hop < kMaxHops; ++hop) {
    const btf_type* type = btf__type_by_id(types, id);
    if (type == nullptr || is_kind(type)) return type;
    if (!btf_is_mod(type) && !btf_is_typedef(type) && !btf_is_ptr(type)) return nullptr;
    id = type->type;
  }
  return nullptr;
}

bool IsStruct(const btf_type* type) { return btf_is_struct(type); }

// `__type(key, T)` in a map definition is a member "key" of type pointer to T.
std::optional<uint32_t> PointeeOfMember(const btf* types, const btf_type* definition,
                                        std::string_view name) {
  const btf_member* members = btf_members(definition);
  for (uint32_t i = 0; i < btf_vlen(definition); ++i) {
    const char* member = btf__name_by_offset(types, members[i].name_off);
    if (member == nullptr || name != member) continue;
    const btf_type* pointer = btf__type_by_id(types, members[i].type);
    if (pointer != nullptr && btf_is_ptr(pointer)) return pointer->type;
  }
  return std::nullopt;
}

// A definition says what its key and value are, or only how large: then the name has to do.
bool Fits(const btf* types, const btf_type* variable, const MapIdentity& map) {
  const btf_type* definition = SkipTo(types, variable->type, IsStruct);
  if (definition == nullptr) return false;
  const auto key = PointeeOfMember(types, definition, "key");
  const auto value = PointeeOfMember(types, definition, "value");
  return (!key || *key == map.key_type_id || map.key_type_id == 0) &&
         (!value || *value == map.value_type_id || map.value_type_id == 0);
}

const btf_type* FindSection(const btf* types, std::string_view name) {
  const uint32_t count = btf__type_cnt(types);
  for (uint32_t id = 1; id < count; ++id) {
    const btf_type* type = btf__type_by_id(types, id);
    if (btf_is_datasec(type) && NameOf(types, type) == name) return type;
  }
  return nullptr;
}

// The names of a section's variables that may be this map.
std::vector<std::string> FittingVariables(const btf* types, std::string_view section_name,
                                          const MapIdentity& map) {
  std::vector<std::string> names;
  const btf_type* section = types == nullptr ? nullptr : FindSection(types, section_name);
  if (section == nullptr) return names;
  const btf_var_secinfo* variables = btf_var_secinfos(section);
  for (uint32_t i = 0; i < btf_vlen(section); ++i) {
    const btf_type* variable = btf__type_by_id(types, variables[i].type);
    if (variable == nullptr || !btf_is_var(variable)) continue;
    std::string name = NameOf(types, variable);
    if (std::string_view(name).substr(0, kShortName) != map.short_name) continue;
    if (Fits(types, variable, map)) names.push_back(std::move(name));
  }
  return names;
}

}  // namespace

bool HasAlignedTypes(std::span<const std::byte> btf) {
  btf_header header{};
  if (btf.size() < sizeof(header)) return false;
  std::memcpy(&header, btf.data(), sizeof(header));
  return header.hdr_len % alignof(btf_type) == 0;
}

void BtfFree::operator()(btf* types) const { btf__free(types); }

Result<const btf*> BtfNames::Load(uint32_t btf_id) {
  if (const auto found = parsed_.find(btf_id); found != parsed_.end()) return found->second.get();
  const auto fd = sys_.OpenById(ObjectKind::kBtf, btf_id);
  if (!fd) return std::unexpected(fd.error());
  const auto data = ReadBtfData(sys_, fd->get());
  if (!data) return std::unexpected(data.error());
  // A module's BTF needs its base and does not parse alone: no name then.
  BtfPtr types(HasAlignedTypes(std::as_bytes(std::span(*data)))
                   ? btf__new(data->data(), static_cast<uint32_t>(data->size()))
                   : nullptr);
  return parsed_.emplace(btf_id, std::move(types)).first->second.get();
}

Result<std::string> BtfNames::TypeName(uint32_t btf_id, uint32_t type_id) {
  const auto types = Load(btf_id);
  if (!types) return std::unexpected(types.error());
  return *types == nullptr ? std::string() : NameOf(*types, btf__type_by_id(*types, type_id));
}

Result<std::string> BtfNames::MapName(uint32_t btf_id, const MapIdentity& map) {
  const auto types = Load(btf_id);
  if (!types) return std::unexpected(types.error());
  std::string found;
  for (const char* section : {".maps", ".struct_ops", ".struct_ops.link"}) {
    for (const std::string& name : FittingVariables(*types, section, map)) {
      if (!found.empty()) return std::string();
      found = name;
    }
  }
  return found;
}

}  // namespace bpftally
