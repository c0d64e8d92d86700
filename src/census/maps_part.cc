#include <linux/bpf.h>

#include <optional>
#include <span>
#include <unordered_map>
#include <unordered_set>

#include "census/iterator_reader.h"
#include "census/key_counter.h"
#include "census/object_part.h"
#include "census/parts.h"
#include "census_records.h"
#include "kernel/object_info.h"
#include "kernel/page_size.h"
#include "model/map_types.h"

namespace bpftally {
namespace {

constexpr uint32_t kArena = 33;  // BPF_MAP_TYPE_ARENA; in uapi from 6.9

// Whether the memory of a map changes with its content.
bool HasVaryingMemory(const MapInfo& map) {
  const MapType& type = MapTypeOf(map.type);
  return type.has_varying_memory || (type.is_hash && (map.flags & BPF_F_NO_PREALLOC) != 0);
}

MapInfo FromRecord(const map_record& record) {
  MapInfo map{.id = record.id,
              .type = record.type,
              .name = {},
              .key_size = record.key_size,
              .value_size = record.value_size,
              .max_entries = record.max_entries,
              .flags = record.flags};
  map.frozen = record.frozen != 0;
  map.btf_id = record.btf_id;
  if (record.known & MAP_KNOWS_MAP_EXTRA) map.map_extra = record.map_extra;
  if (record.known & MAP_KNOWS_ENTRIES) map.entries = record.entries;
  if (record.known & MAP_KNOWS_BUFFER_PAGES)
    map.buffer_size_bytes = record.buffer_pages * PageSize();
  if (MapTypeOf(record.type).is_ring_buffer) map.buffer_size_bytes = record.max_entries;
  if (record.known & MAP_KNOWS_BACKLOG) map.buffer_backlog_bytes = record.backlog;
  if (record.known & MAP_KNOWS_LOST) map.perf_lost = record.lost;
  return map;
}

MapInfo FromInfo(const bpf_map_info& info, size_t known) {
  MapInfo map{.id = info.id,
              .type = info.type,
              .name = {},
              .key_size = info.key_size,
              .value_size = info.value_size,
              .max_entries = info.max_entries,
              .flags = info.map_flags};
  if (BPFTALLY_HAS_FIELD(bpf_map_info, btf_value_type_id, known)) map.btf_id = info.btf_id;
  if (BPFTALLY_HAS_FIELD(bpf_map_info, map_extra, known)) map.map_extra = info.map_extra;
  if (MapTypeOf(map.type).is_ring_buffer) map.buffer_size_bytes = map.max_entries;
  return map;
}

// Reads the maps. Remembers what never changes in a map's life and costs more than its walk: the
// full name, and the memory of maps that have all of theirs from the start.
class MapsPart final : public ObjectPart {
 public:
  explicit MapsPart(const CensusContext& context) : ObjectPart(ObjectKind::kMap, context) {}

  void Forget(const Snapshot& snapshot) override { ForgetDead(constants_, snapshot.maps); }

 private:
  struct Constant {
    uint32_t type = 0;  // these four tell a map from a later one with the same id
    uint32_t max_entries = 0;
    uint32_t flags = 0;
    uint32_t btf_id = 0;
    std::optional<std::string> name = std::nullopt;  // empty: not known yet, like the memory
    std::optional<uint64_t> memory_bytes = std::nullopt;
  };

  Result<void> WalkByIterator(const Pass& pass, int link_fd, Snapshot& snapshot) override;
  Result<void> WalkById(const Pass& pass, uint64_t& vanished, Snapshot& snapshot) override;
  uint32_t HighestId(const Snapshot& snapshot) const override { return HighestIdOf(snapshot.maps); }
  void Finish(const Pass& pass, Snapshot& snapshot) override;

  Constant& Remember(const MapInfo& map);
  Result<void> SetName(const Pass& pass, MapIdentity identity, Constant& constant, MapInfo& map);
  Result<void> Add(const Pass& pass, const map_record& record, std::vector<MapInfo>& out);
  Result<void> Visit(const Pass& pass, int fd, std::vector<MapInfo>& out);
  void ReadFdInfo(const Pass& pass, int fd, Constant& constant, MapInfo& map);

  std::vector<std::byte> buffer_;
  std::unordered_map<uint32_t, Constant> constants_;
};

MapsPart::Constant& MapsPart::Remember(const MapInfo& map) {
  Constant& constant = constants_[map.id];
  const uint32_t btf_id = map.btf_id.value_or(0);
  if (constant.type != map.type || constant.max_entries != map.max_entries ||
      constant.flags != map.flags || constant.btf_id != btf_id) {
    constant = {
        .type = map.type, .max_entries = map.max_entries, .flags = map.flags, .btf_id = btf_id};
  }
  return constant;
}

// Fails where it is too late to look: under its short name the map would be another one for a pass.
Result<void> MapsPart::SetName(const Pass& pass, MapIdentity identity, Constant& constant,
                               MapInfo& map) {
  map.name = constant.name.value_or(std::string(identity.short_name));
  if (constant.name) return {};
  if (constant.btf_id != 0 && pass.may_open) {
    if (auto in_time = pass.CheckDeadline(); !in_time) return in_time;
    auto full = context().names.MapName(constant.btf_id, identity);
    if (!full) return {};
    if (!full->empty()) map.name = std::move(*full);
  }
  constant.name = map.name;
  return {};
}

void MapsPart::ReadFdInfo(const Pass& pass, int fd, Constant& constant, MapInfo& map) {
  const auto fdinfo = pass.sys.FdInfo(fd);
  if (!fdinfo) return;
  if (const auto frozen = FdInfoNumber(*fdinfo, "frozen")) map.frozen = *frozen != 0;
  map.memory_bytes = FdInfoNumber(*fdinfo, "memlock");
  if (map.type == kArena && map.memory_bytes == 0u)
    map.memory_bytes.reset();  // the kernel does not count an arena's pages
  if (!HasVaryingMemory(map)) constant.memory_bytes = map.memory_bytes;
}

Result<void> MapsPart::Add(const Pass& pass, const map_record& record, std::vector<MapInfo>& out) {
  MapInfo listed = FromRecord(record);
  const std::string short_name = FixedText(record.name);
  Constant& constant = Remember(listed);
  auto named = SetName(pass, {short_name, record.btf_key_type_id, record.btf_value_type_id},
                       constant, listed);
  if (!named) return named;
  MapInfo& map = out.emplace_back(std::move(listed));
  map.memory_bytes = constant.memory_bytes;
  const bool scan =
      context().options.scan_entries && !map.entries && MapTypeOf(map.type).has_countable_keys;
  if (!pass.may_open || (map.memory_bytes && !scan)) return {};
  if (auto in_time = pass.CheckDeadline(); !in_time) return in_time;
  const auto fd = pass.sys.OpenById(ObjectKind::kMap, map.id);
  if (!fd) {
    if (fd.error().kind == ErrorKind::kVanished)
      return {};  // it was there for the iterator, and is listed
    return std::unexpected(fd.error());
  }
  if (!map.memory_bytes) ReadFdInfo(pass, fd->get(), constant, map);
  if (scan) map.entries = CountKeys(pass, fd->get(), map, context().options.max_scanned_entries);
  return {};
}

Result<void> MapsPart::WalkByIterator(const Pass& pass, int link_fd, Snapshot& snapshot) {
  const auto stream = ReadIterator(pass, link_fd, buffer_);
  snapshot.maps.reserve(stream.bytes.size() / sizeof(map_record));
  return ReadRecords<map_record>(stream, [&](const map_record& record, std::span<const std::byte>) {
    return Add(pass, record, snapshot.maps);
  });
}

Result<void> MapsPart::Visit(const Pass& pass, int fd, std::vector<MapInfo>& out) {
  bpf_map_info info{};
  const auto known = GetInfo(pass.sys, fd, info);
  if (!known) return std::unexpected(known.error());
  MapInfo map = FromInfo(info, *known);
  const std::string short_name = FixedText(info.name);
  Constant& constant = Remember(map);
  auto named =
      SetName(pass, {short_name, info.btf_key_type_id, info.btf_value_type_id}, constant, map);
  if (!named) return named;
  ReadFdInfo(pass, fd, constant, map);  // at each pass: a map can be frozen at any time
  if (context().options.scan_entries && MapTypeOf(map.type).has_countable_keys)
    map.entries = CountKeys(pass, fd, map, context().options.max_scanned_entries);
  out.push_back(std::move(map));
  return {};
}

Result<void> MapsPart::WalkById(const Pass& pass, uint64_t& vanished, Snapshot& snapshot) {
  return WalkObjects(pass, ObjectKind::kMap, vanished,
                     [&](uint32_t, int fd) { return Visit(pass, fd, snapshot.maps); });
}

void MarkOwnMaps(Snapshot& snapshot) {
  std::unordered_set<uint32_t> own;
  for (const ProgramInfo& program : snapshot.programs)
    if (program.self && program.map_ids)
      own.insert(program.map_ids->begin(), program.map_ids->end());
  if (own.empty()) return;
  for (MapInfo& map : snapshot.maps) map.self = own.contains(map.id);
}

void MapsPart::Finish(const Pass&, Snapshot& snapshot) {
  MarkOwnMaps(snapshot);
  FeatureList& features = context().features;
  const auto is_of = [](uint32_t type) {
    return [type](const MapInfo& map) { return map.type == type; };
  };
  features.Note("map_memory", "fdinfo",
                ShownBy(
                    snapshot.maps, [](const MapInfo&) { return true; },
                    [](const MapInfo& map) { return map.memory_bytes.has_value(); }));
  features.Note("map_entries", "iterator",
                ShownBy(snapshot.maps, is_of(BPF_MAP_TYPE_HASH),
                        [](const MapInfo& map) { return map.entries.has_value(); }));
  features.Note("map_buffers", "iterator",
                ShownBy(snapshot.maps, is_of(BPF_MAP_TYPE_RINGBUF),
                        [](const MapInfo& map) { return map.buffer_backlog_bytes.has_value(); }));
}

}  // namespace

std::unique_ptr<CensusPart> MakeMapsPart(const CensusContext& context) {
  return std::make_unique<MapsPart>(context);
}

}  // namespace bpftally
