#include "census/btf_names.h"

#include <bpf/btf.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <utility>

#include "btf/aligned_types.h"
#include "kernel/bpf_sys.h"
#include "kernel/object_info.h"

namespace bpftally {
namespace {

constexpr size_t kShortName = BPF_OBJ_NAME_LEN - 1;

// No definition has as many members, no object as many maps.
constexpr uint32_t kMaxMembers = 64;
constexpr size_t kMaxMaps = 4096;

// A host's objects have a few megabytes together, but one may have 16 MB, and anybody many of them.
constexpr size_t kMaxHeldBytes = size_t{32} << 20;

// What was dropped is read again: maps of many large objects in turn would each read one. This much
// takes two seconds.
constexpr size_t kMaxReadBytes = size_t{512} << 20;

std::string_view NameOf(const btf* types, const btf_type* type) {
  const char* name = type == nullptr ? nullptr : btf__name_by_offset(types, type->name_off);
  return name == nullptr ? std::string_view() : name;
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

// `__type(key, T)` in a map definition is a member "key" of type pointer to T. 0 where there is
// none. Only the first members are searched.
uint32_t PointeeOfMember(const btf* types, const btf_type* definition, const char* name) {
  const btf_member* members = btf_members(definition);
  const uint32_t count = std::min<uint32_t>(btf_vlen(definition), kMaxMembers);
  for (uint32_t i = 0; i < count; ++i) {
    const char* member = btf__name_by_offset(types, members[i].name_off);
    if (member == nullptr || std::strcmp(member, name) != 0) continue;
    const btf_type* pointer = btf__type_by_id(types, members[i].type);
    if (pointer != nullptr && btf_is_ptr(pointer)) return pointer->type;
  }
  return 0;
}

bool HoldsMaps(const btf* types, const btf_type* section) {
  if (!btf_is_datasec(section)) return false;
  const std::string_view name = NameOf(types, section);
  return name == ".maps" || name == ".struct_ops" || name == ".struct_ops.link";
}

// The variables of all map sections, each once however many entries it has. Ordered: whoever made
// the BTF could choose ids that collide in a hash table.
std::set<uint32_t> VariablesOfMaps(const btf* types) {
  std::set<uint32_t> ids;
  const uint32_t count = btf__type_cnt(types);
  for (uint32_t id = 1; id < count; ++id) {
    const btf_type* section = btf__type_by_id(types, id);
    if (!HoldsMaps(types, section)) continue;
    for (const auto& entry : std::span(btf_var_secinfos(section), btf_vlen(section))) {
      ids.insert(entry.type);
      if (ids.size() > kMaxMaps) return {};
    }
  }
  return ids;
}

}  // namespace

void BtfFree::operator()(btf* types) const { btf__free(types); }

std::vector<BtfNames::MapVariable> BtfNames::ReadMaps(const btf* types) {
  std::vector<MapVariable> maps;
  for (const uint32_t id : VariablesOfMaps(types)) {
    const btf_type* variable = btf__type_by_id(types, id);
    if (variable == nullptr || !btf_is_var(variable)) continue;
    const btf_type* definition = SkipTo(types, variable->type, IsStruct);
    if (definition == nullptr) continue;
    maps.push_back({.name = NameOf(types, variable),
                    .key_type_id = PointeeOfMember(types, definition, "key"),
                    .value_type_id = PointeeOfMember(types, definition, "value")});
  }
  return maps;
}

// A definition says what its key and value are, or only how large: then the name has to do.
bool BtfNames::Fits(const MapVariable& variable, const MapIdentity& map) {
  const auto same = [](uint32_t defined, uint32_t actual) {
    return defined == 0 || actual == 0 || defined == actual;
  };
  return variable.name.substr(0, kShortName) == map.short_name &&
         same(variable.key_type_id, map.key_type_id) &&
         same(variable.value_type_id, map.value_type_id);
}

void BtfNames::EndPass() {
  parsed_.clear();
  held_bytes_ = 0;
  read_bytes_ = 0;
}

void BtfNames::MakeRoom(size_t bytes) {
  if (held_bytes_ + bytes > kMaxHeldBytes) {
    parsed_.clear();
    held_bytes_ = 0;
  }
  held_bytes_ += bytes;
}

Result<BtfNames::Parsed*> BtfNames::Load(uint32_t btf_id) {
  if (const auto found = parsed_.find(btf_id); found != parsed_.end()) return &found->second;
  if (read_bytes_ >= kMaxReadBytes) {
    return std::unexpected(
        Error{ErrorKind::kExhausted, 0, "the types of this host are too many for one pass"});
  }
  const auto fd = sys_.OpenById(ObjectKind::kBtf, btf_id);
  if (!fd) return std::unexpected(fd.error());
  const auto data = ReadBtfData(sys_, fd->get());
  if (!data) return std::unexpected(data.error());
  read_bytes_ += data->size();
  MakeRoom(data->size());
  // A module's BTF needs its base and does not parse alone: no name then.
  BtfPtr types(HasAlignedTypes(std::as_bytes(std::span(*data)))
                   ? btf__new(data->data(), static_cast<uint32_t>(data->size()))
                   : nullptr);
  return &parsed_.emplace(btf_id, Parsed{.types = std::move(types)}).first->second;
}

Result<std::string> BtfNames::TypeName(uint32_t btf_id, uint32_t type_id) {
  const auto loaded = Load(btf_id);
  if (!loaded) return std::unexpected(loaded.error());
  const btf* types = (*loaded)->types.get();
  if (types == nullptr) return std::string();
  return std::string(NameOf(types, btf__type_by_id(types, type_id)));
}

Result<std::string> BtfNames::MapName(uint32_t btf_id, const MapIdentity& map) {
  const auto loaded = Load(btf_id);
  if (!loaded) return std::unexpected(loaded.error());
  Parsed& parsed = **loaded;
  if (parsed.types == nullptr) return std::string();
  if (!parsed.maps) parsed.maps = ReadMaps(parsed.types.get());
  const MapVariable* found = nullptr;
  for (const MapVariable& variable : *parsed.maps) {
    if (!Fits(variable, map)) continue;
    if (found != nullptr) return std::string();
    found = &variable;
  }
  return found == nullptr ? std::string() : std::string(found->name);
}

}  // namespace bpftally
