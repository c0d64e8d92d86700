#include "programs/object/object_facts.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <system_error>
#include <utility>

#include "btf/aligned_types.h"
#include "kernel/libbpf_messages.h"

namespace bpftally {
namespace {

constexpr uintmax_t kMaxObjectBytes = uintmax_t{64} << 20;
constexpr size_t kMaxKeyFields = 256;

using ObjectPtr = std::unique_ptr<bpf_object, void (*)(bpf_object*)>;

std::unexpected<Error> Invalid(std::string message) {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, std::move(message)});
}

// Checks the file before libbpf opens it: libbpf maps the whole file.
Result<void> CheckFile(const std::string& path) {
  std::error_code error;
  const std::filesystem::file_status status = std::filesystem::status(path, error);
  if (!std::filesystem::exists(status)) {
    const int reason = error ? error.value() : ENOENT;
    return std::unexpected(ErrnoError(reason, fmt::format("cannot read {}", path)));
  }
  if (!std::filesystem::is_regular_file(status))
    return Invalid(fmt::format("{} is no regular file", path));
  const uintmax_t size = std::filesystem::file_size(path, error);
  if (!error && size > kMaxObjectBytes) {
    return Invalid(
        fmt::format("{} has {} bytes, expected at most {}", path, size, kMaxObjectBytes));
  }
  return {};
}

Result<ObjectPtr> Open(const std::string& path) {
  const LibbpfWarnings warnings;
  ObjectPtr object(bpf_object__open_file(path.c_str(), nullptr), bpf_object__close);
  if (object) return object;
  // Keeps libbpf's errno out of the message: for something missing in the file, it would read as if
  // the file itself did not exist.
  const std::string_view reason =
      warnings.Last().empty() ? std::string_view(std::strerror(errno)) : warnings.Last();
  return Invalid(fmt::format("cannot read {} as a BPF object: {}", path, reason));
}

const btf_type* SkipNames(const btf* types, uint32_t id) {
  constexpr int kMaxSteps = 32;  // a hostile file may have a loop
  const btf_type* type = btf__type_by_id(types, id);
  for (int i = 0; i < kMaxSteps && type != nullptr; ++i) {
    if (!btf_is_mod(type) && !btf_is_typedef(type)) return type;
    type = btf__type_by_id(types, type->type);
  }
  return nullptr;
}

// Returns no fields if the type is no struct of whole bytes.
std::vector<ObjectField> KeyFields(const btf* types, uint32_t id) {
  const btf_type* type = types == nullptr || id == 0 ? nullptr : SkipNames(types, id);
  if (type == nullptr || !btf_is_struct(type) || btf_vlen(type) > kMaxKeyFields) return {};
  std::vector<ObjectField> fields;
  for (uint32_t i = 0; i < btf_vlen(type); ++i) {
    const btf_member& member = btf_members(type)[i];
    const uint32_t bit = btf_member_bit_offset(type, i);
    const int64_t size = btf__resolve_size(types, member.type);
    if (size < 0 || bit % 8 != 0 || btf_member_bitfield_size(type, i) != 0) return {};
    const char* name = btf__name_by_offset(types, member.name_off);
    fields.push_back({name == nullptr ? "" : name, bit / 8, static_cast<size_t>(size)});
  }
  return fields;
}

// Returns whether 32-bit loads may read the types; true also if there are none.
bool HasWholeTypes(const btf* types) {
  if (types == nullptr) return true;
  uint32_t size = 0;
  const void* data = btf__raw_data(types, &size);
  return HasAlignedTypes({static_cast<const std::byte*>(data), size});
}

ObjectMap Describe(const bpf_map* map, const btf* types) {
  return {.name = bpf_map__name(map),
          .type = bpf_map__type(map),
          .key_size = bpf_map__key_size(map),
          .value_size = bpf_map__value_size(map),
          .max_entries = bpf_map__max_entries(map),
          .key_fields = KeyFields(types, bpf_map__btf_key_type_id(map))};
}

}  // namespace

const ObjectMap* ObjectFacts::FindMap(std::string_view name) const {
  const auto found = std::ranges::find(maps, name, &ObjectMap::name);
  return found == maps.end() ? nullptr : &*found;
}

Result<ObjectFacts> ReadObjectFacts(const std::string& path) {
  if (Result<void> good = CheckFile(path); !good) return std::unexpected(good.error());
  Result<ObjectPtr> object = Open(path);
  if (!object) return std::unexpected(object.error());
  const btf* types = bpf_object__btf(object->get());
  if (!HasWholeTypes(types))
    return std::unexpected(Error{ErrorKind::kInvalid, 0,
                                 fmt::format("{}: its BTF is malformed: compile it anew", path)});
  ObjectFacts facts;
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object->get()) {
    if (!bpf_map__is_internal(map)) facts.maps.push_back(Describe(map, types));
  }
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object->get()) {
    if (!bpf_program__autoload(program)) continue;  // SEC("?...") means that it is not wanted
    facts.programs.push_back({bpf_program__name(program), bpf_program__section_name(program)});
  }
  return facts;
}

}  // namespace bpftally
