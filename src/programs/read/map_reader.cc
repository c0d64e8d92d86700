#include "programs/read/map_reader.h"

#include <fmt/format.h>
#include <linux/bpf.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>

#include "kernel/map_handle.h"
#include "model/map_types.h"

namespace bpftally {
namespace {

constexpr uint32_t kMostRoom = 4096;       // entries in a call at first,
constexpr size_t kBatchBytes = 4 << 20;    // and their bytes: large entries come few at a time
constexpr size_t kMappedBatch = 8 * 1024;  // elements: fill whole pages of any size
constexpr int kRetries = 100;              // for one call, when keys vanish under it
constexpr size_t kPatience = 4096;         // repeated keys, beside three for each new one
constexpr int kNoSuchOperation = 524;      // the kernel's ENOTSUPP

size_t RoundUp8(size_t size) { return (size + 7) / 8 * 8; }

bool LacksBatch(const Error& error) {
  return error.sys_errno == EINVAL || error.sys_errno == kNoSuchOperation;
}

}  // namespace

MapReader::MapReader(BpfSys& sys, const Clock& clock, size_t possible_cpus)
    : sys_(sys), clock_(clock), possible_cpus_(possible_cpus) {}

Result<void> MapReader::Read(const MapHandle& map, std::chrono::steady_clock::time_point deadline,
                             const Sink& sink) {
  const Task task{map, deadline, sink};
  const bool per_cpu = MapTypeOf(map.type).is_per_cpu;
  batch_.key_size = map.key_size;
  batch_.value_size = per_cpu || IsMapped(map) ? RoundUp8(map.value_size) : map.value_size;
  batch_.cpus = per_cpu ? possible_cpus_ : 1;
  seen_.Clear();
  repeats_ = 0;
  if (IsMapped(map)) return ReadMapped(task);
  if (types_without_batch_.contains(map.type)) return ReadByKey(task);
  const Result<void> read = ReadBatches(task);
  if (read || began_ || !LacksBatch(read.error())) return read;
  types_without_batch_.insert(map.type);
  return ReadByKey(task);
}

void MapReader::FreeBuffers() {
  batch_ = {};
  seen_ = {};
}

bool MapReader::IsMapped(const MapHandle& map) const {
  return map.type == BPF_MAP_TYPE_ARRAY && (map.flags & BPF_F_MMAPABLE) != 0;
}

Result<void> MapReader::ReadMapped(const Task& task) {
  for (size_t first = 0; first < task.map.max_entries; first += kMappedBatch) {
    if (auto in_time = CheckTime(task); !in_time) return in_time;
    const size_t count = std::min(kMappedBatch, task.map.max_entries - first);
    MakeRoom(count);
    if (auto copied = sys_.CopyMapped(task.map.fd, first * batch_.value_size, batch_.values);
        !copied)
      return copied;
    for (size_t i = 0; i < count; ++i) {
      const auto index = static_cast<uint32_t>(first + i);
      std::memcpy(batch_.keys.data() + i * sizeof index, &index, sizeof index);
    }
    if (auto taken = task.sink(batch_.rows()); !taken) return taken;
  }
  return {};
}

Result<void> MapReader::ReadBatches(const Task& task) {
  uint32_t room = std::clamp<uint32_t>(task.map.max_entries, 1, FirstRoom());
  cursor_.assign(std::max<size_t>(task.map.key_size, sizeof(uint32_t)), std::byte{0});
  began_ = false;
  retries_ = 0;
  while (true) {
    if (auto in_time = CheckTime(task); !in_time) return in_time;
    const Result<bool> at_end = ReadBatch(task, room);
    if (!at_end) return std::unexpected(at_end.error());
    if (*at_end) return {};
  }
}

// Reads one batch; returns true at the end. Buckets of a hash map come whole, each once, so that no
// key comes twice.
Result<bool> MapReader::ReadBatch(const Task& task, uint32_t& room) {
  MakeRoom(room);
  const auto answer =
      sys_.LookupBatch(task.map.fd, {.after = began_ ? std::span(cursor_) : std::span<std::byte>(),
                                     .cursor = cursor_,
                                     .keys = batch_.keys,
                                     .values = batch_.values,
                                     .room = room});
  if (!answer) {
    const int code = answer.error().sys_errno;
    const bool too_small = code == ENOSPC && room <= task.map.max_entries;
    const bool disturbed = (code == EINTR || code == EAGAIN) && ++retries_ < kRetries;
    if (!too_small && !disturbed) return std::unexpected(answer.error());
    if (too_small) room *= 2;
    return false;
  }
  began_ = true;
  retries_ = 0;
  size_t count = std::min(answer->count, room);
  if (const MapType& type = MapTypeOf(task.map.type); !type.is_hash && !type.is_array)
    count = DropRepeated(count);
  if (auto handed = HandOver(task, count); !handed) return std::unexpected(handed.error());
  if (auto moving = CheckRepeats(task); !moving) return std::unexpected(moving.error());
  return answer->at_end;
}

Result<void> MapReader::ReadByKey(const Task& task) {
  std::vector<std::byte> key;
  std::vector<std::byte> next(task.map.key_size);
  size_t count = 0;
  const uint32_t room = FirstRoom();
  MakeRoom(room);
  while (true) {
    if (auto in_time = CheckTime(task); !in_time) return in_time;
    const Result<bool> more = sys_.NextKey(task.map.fd, key, next);
    if (!more) return std::unexpected(more.error());
    if (!*more) return HandOver(task, count);
    key = next;
    // The kernel began at the front again, as the key before had vanished; the walk goes on from
    // here.
    if (!MapTypeOf(task.map.type).is_array && IsRepeated(key)) {
      if (auto moving = CheckRepeats(task); !moving) return moving;
      continue;
    }
    if (auto read = ReadEntry(task, key, count); !read) return read;
    if (count < room) continue;
    if (auto handed = HandOver(task, count); !handed) return handed;
    MakeRoom(room);
    count = 0;
  }
}

// Puts one more entry into the batch; skips a key that has vanished.
Result<void> MapReader::ReadEntry(const Task& task, std::span<const std::byte> key, size_t& count) {
  const size_t bytes = batch_.value_size * batch_.cpus;
  const auto read =
      sys_.LookupElement(task.map.fd, key, std::span(batch_.values).subspan(count * bytes, bytes));
  if (!read && read.error().kind == ErrorKind::kVanished) return {};
  if (!read) return read;
  std::ranges::copy(key, batch_.keys.begin() + static_cast<ptrdiff_t>(count * key.size()));
  ++count;
  return {};
}

uint32_t MapReader::FirstRoom() const {
  const size_t entry = std::max<size_t>(batch_.key_size + batch_.value_size * batch_.cpus, 1);
  return static_cast<uint32_t>(std::clamp<size_t>(kBatchBytes / entry, 1, kMostRoom));
}

Result<void> MapReader::CheckTime(const Task& task) const {
  if (clock_.Now() < task.deadline) return {};
  return std::unexpected(Error{ErrorKind::kExhausted, ETIMEDOUT,
                               fmt::format("no time left to read map {}", task.map.name)});
}

Result<void> MapReader::CheckRepeats(const Task& task) const {
  if (repeats_ <= 3 * seen_.size() + kPatience) return {};
  return std::unexpected(
      Error{ErrorKind::kExhausted, 0,
            fmt::format("map {} changes faster than it can be read", task.map.name)});
}

void MapReader::MakeRoom(size_t entries) {
  batch_.keys.resize(entries * batch_.key_size);
  batch_.values.resize(entries * batch_.value_size * batch_.cpus);
}

Result<void> MapReader::HandOver(const Task& task, size_t count) {
  if (count == 0) return {};
  MakeRoom(count);
  return task.sink(batch_.rows());
}

// Removes repeated entries and closes the gaps; returns how many are left.
size_t MapReader::DropRepeated(size_t count) {
  const size_t value_bytes = batch_.value_size * batch_.cpus;
  size_t kept = 0;
  for (size_t i = 0; i < count; ++i) {
    if (IsRepeated(KeyAt(i))) continue;
    std::memmove(&batch_.keys[kept * batch_.key_size], &batch_.keys[i * batch_.key_size],
                 batch_.key_size);
    std::memmove(&batch_.values[kept * value_bytes], &batch_.values[i * value_bytes], value_bytes);
    ++kept;
  }
  return kept;
}

std::span<const std::byte> MapReader::KeyAt(size_t row) const {
  return std::span(batch_.keys).subspan(row * batch_.key_size, batch_.key_size);
}

bool MapReader::IsRepeated(std::span<const std::byte> key) {
  if (seen_.Insert(AsText(key)).is_new) return false;
  ++repeats_;
  return true;
}

}  // namespace bpftally
