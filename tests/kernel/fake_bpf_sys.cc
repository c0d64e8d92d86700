#include "kernel/fake_bpf_sys.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <stdexcept>
#include <utility>

namespace bpftally {
namespace {

template <typename Objects>
std::optional<uint32_t> Above(const Objects& objects, uint32_t after) {
  const auto next = objects.upper_bound(after);
  return next == objects.end() ? std::nullopt : std::optional(next->first);
}

template <typename Objects>
uint32_t FreeId(const Objects& objects) {
  return objects.empty() ? 1 : objects.rbegin()->first + 1;
}

// With the words of RealBpfSys where it has its own.
Error FaultError(const Call& call, int sys_errno) {
  const std::string what = fmt::format("scripted fault of {}", MethodName(call.method));
  const bool by_id = call.method == Method::kNextId || call.method == Method::kOpenById;
  if (call.method == Method::kOpenById && sys_errno == EAGAIN)
    return {ErrorKind::kVanished, EAGAIN, what};
  if ((by_id || call.method == Method::kEnableRunStats) && sys_errno == EPERM)
    return ErrnoError(EPERM, what + " (needs CAP_SYS_ADMIN)");
  if ((by_id || call.method == Method::kEnableRunStats) && sys_errno == EINVAL)
    return {ErrorKind::kUnsupported, EINVAL, what + ": this kernel is too old"};
  if (call.method == Method::kLoadIterator) {
    return sys_errno == EPERM ? ErrnoError(EPERM, what + " (needs CAP_BPF and CAP_PERFMON)")
                              : Error{ErrorKind::kUnsupported, sys_errno, what};
  }
  return ErrnoError(sys_errno, what);
}

// Where this key's entry is; behind the last one where it is not there (any more).
size_t FindEntry(const FakeMap& map, std::span<const std::byte> key) {
  const size_t size = map.entries.size();
  for (size_t step = 0; step < size; ++step) {
    const size_t at = (map.last_found + step) % size;
    if (std::ranges::equal(map.entries[at].key, key)) return map.last_found = at;
  }
  return size;
}

// The entry that follows this key: the first where the key is empty, or not there.
size_t EntryBehind(const FakeMap& map, std::span<const std::byte> key) {
  const size_t found = FindEntry(map, key);
  return found == map.entries.size() ? 0 : found + 1;
}

}  // namespace

const char* MethodName(Method method) {
  static constexpr std::array<const char*, kMethods> kNames = {
      "NextId",         "OpenById",   "ObjectInfo",     "FdInfo",     "LoadIterator",
      "CreateIterator", "Read",       "EnableRunStats", "NextKey",    "LookupElement",
      "LookupBatch",    "CopyMapped", "ReadFile",       "CgroupPath", "OpenFdCount"};
  return kNames[static_cast<size_t>(method)];
}

int FakeBpfSys::Calls(Method method, ObjectKind kind) const {
  const auto found = calls_by_kind_.find({method, kind});
  return found == calls_by_kind_.end() ? 0 : found->second;
}

void FakeBpfSys::ForgetCalls() {
  calls_.fill(0);
  calls_by_kind_.clear();
}

std::optional<Error> FakeBpfSys::Begin(const Call& call) {
  ++calls_[static_cast<size_t>(call.method)];
  if (call.kind) ++calls_by_kind_[{call.method, *call.kind}];
  for (Fault& fault : faults_) {
    if (fault.method != call.method || (fault.kind && fault.kind != call.kind) ||
        (fault.id && fault.id != call.id) || fault.times == 0)
      continue;
    if (fault.after > 0) {
      --fault.after;
      continue;
    }
    --fault.times;
    return FaultError(call, fault.sys_errno);
  }
  return std::nullopt;
}

void FakeBpfSys::End(const Call& call) const {
  if (after_call) after_call(call);
}

UniqueFd FakeBpfSys::HandOut(Handle handle) {
  UniqueFd fd(::memfd_create("fake_bpf_object", MFD_CLOEXEC));
  struct stat status{};
  DropClosedIterators();
  if (!fd || ::fstat(fd.get(), &status) != 0) throw std::runtime_error("no descriptor to hand out");
  handle.inode = status.st_ino;
  handles_.insert_or_assign(fd.get(), std::move(handle));
  return fd;
}

bool FakeBpfSys::IsOpen(int fd, const Handle& handle) const {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && status.st_ino == handle.inode;
}

FakeBpfSys::Handle& FakeBpfSys::HandleOf(int fd) {
  const auto found = handles_.find(fd);
  if (found == handles_.end() || !IsOpen(fd, found->second))
    throw std::logic_error(fmt::format("descriptor {} is not open", fd));
  return found->second;
}

size_t FakeBpfSys::CountOpen(Role role) const {
  return static_cast<size_t>(std::ranges::count_if(handles_, [&](const auto& entry) {
    return entry.second.role == role && IsOpen(entry.first, entry.second);
  }));
}

bool FakeBpfSys::StatsOn() const {
  const auto sysctl = files.find("/proc/sys/kernel/bpf_stats_enabled");
  return others_stats || (sysctl != files.end() && sysctl->second.starts_with('1')) ||
         std::ranges::any_of(handles_, [&](const auto& entry) {
           return entry.second.role == Role::kStats && IsOpen(entry.first, entry.second);
         });
}

bool FakeBpfSys::Exists(ObjectKind kind, uint32_t id) const {
  switch (kind) {
    case ObjectKind::kProgram:
      return programs.contains(id);
    case ObjectKind::kMap:
      return maps.contains(id);
    case ObjectKind::kLink:
      return links.contains(id);
    case ObjectKind::kBtf:
      break;
  }
  return btf.contains(id);
}

void FakeBpfSys::Erase(ObjectKind kind, uint32_t id) {
  switch (kind) {
    case ObjectKind::kProgram:
      programs.erase(id);
      break;
    case ObjectKind::kMap:
      maps.erase(id);
      break;
    case ObjectKind::kLink:
      links.erase(id);
      break;
    case ObjectKind::kBtf:
      btf.erase(id);
      break;
  }
}

Result<std::optional<uint32_t>> FakeBpfSys::NextId(ObjectKind kind, uint32_t after) {
  if (after == 0) DropClosedIterators();
  const Call call{Method::kNextId, kind, after};
  if (const auto error = Begin(call)) {
    if (error->sys_errno == ENOENT) return std::nullopt;
    return std::unexpected(*error);
  }
  std::optional<uint32_t> next;
  if (next_id) {
    next = next_id(kind, after);
  } else {
    switch (kind) {
      case ObjectKind::kProgram:
        next = Above(programs, after);
        break;
      case ObjectKind::kMap:
        next = Above(maps, after);
        break;
      case ObjectKind::kLink:
        next = Above(links, after);
        break;
      case ObjectKind::kBtf:
        next = Above(btf, after);
        break;
    }
  }
  End(call);
  return next;
}

Result<UniqueFd> FakeBpfSys::OpenById(ObjectKind kind, uint32_t id) {
  const Call call{Method::kOpenById, kind, id};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  if (!Exists(kind, id)) return std::unexpected(ErrnoError(ENOENT, "gone"));
  UniqueFd fd = HandOut({.role = Role::kObject, .kind = kind, .id = id});
  End(call);
  return fd;
}

Result<size_t> FakeBpfSys::ObjectInfo(int fd, std::span<std::byte> info) {
  const Handle handle = HandleOf(fd);
  const Call call{Method::kObjectInfo, handle.kind, handle.id};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  if (!Exists(handle.kind, handle.id)) return std::unexpected(ErrnoError(ENODEV, "gone"));
  size_t known = 0;
  switch (handle.kind) {
    case ObjectKind::kProgram:
      known = AnswerQuery(programs.at(handle.id), handle.id, program_info_size, info);
      break;
    case ObjectKind::kMap:
      known = AnswerQuery(maps.at(handle.id), handle.id, map_info_size, info);
      break;
    case ObjectKind::kLink:
      known = AnswerQuery(links.at(handle.id), handle.id, link_info_size, info);
      break;
    case ObjectKind::kBtf:
      known = AnswerQuery(btf.at(handle.id), handle.id, info);
      break;
  }
  End(call);
  return known;
}

Result<std::string> FakeBpfSys::FdInfo(int fd) {
  const Handle handle = HandleOf(fd);
  const Call call{Method::kFdInfo, handle.kind, handle.id};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  std::string text =
      handle.kind == ObjectKind::kMap ? maps.at(handle.id).fdinfo : programs.at(handle.id).fdinfo;
  End(call);
  return text;
}

// The link is all that kept an iterator's program and its map.
void FakeBpfSys::DropClosedIterators() {
  std::erase_if(handles_, [this](const auto& entry) {
    const Handle& handle = entry.second;
    if (handle.role != Role::kIteratorLink || IsOpen(entry.first, handle)) return false;
    const uint32_t program = links.at(handle.id).info.prog_id;
    maps.erase(programs.at(program).map_ids.front());
    programs.erase(program);
    links.erase(handle.id);
    return true;
  });
}

Result<UniqueFd> FakeBpfSys::LoadIterator(ObjectKind kind, bool may_probe_read) {
  last_may_probe_read = may_probe_read;
  const Call call{Method::kLoadIterator, kind};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  if (kind == ObjectKind::kBtf)
    return std::unexpected(Error{ErrorKind::kUnsupported, 0, "no iterator over BTF objects"});
  const uint32_t program = FreeId(programs);
  FakeProgram& own = programs[program];
  own.info.type = BPF_PROG_TYPE_TRACING;
  const uint32_t map = FreeId(maps);
  maps[map].info.type = BPF_MAP_TYPE_ARRAY;
  own.map_ids = {map};
  const uint32_t link = FreeId(links);
  links[link].info.type = BPF_LINK_TYPE_ITER;
  links[link].info.prog_id = program;
  std::erase_if(own_programs_, [&](const auto& entry) { return entry.second == program; });
  own_programs_[kind] = program;
  UniqueFd fd = HandOut({.role = Role::kIteratorLink, .kind = ObjectKind::kLink, .id = link});
  End(call);
  return fd;
}

std::vector<std::byte> FakeBpfSys::Stream(ObjectKind kind) {
  std::vector<std::byte> stream;
  switch (kind) {
    case ObjectKind::kProgram:
      for (const auto& [id, program] : programs) AppendRecord(stream, id, program, program_known);
      break;
    case ObjectKind::kMap:
      for (const auto& [id, map] : maps) AppendRecord(stream, id, map);
      break;
    case ObjectKind::kLink:
      for (const auto& [id, link] : links) AppendRecord(stream, id, link);
      break;
    case ObjectKind::kBtf:
      break;
  }
  if (bend_stream) bend_stream(kind, stream);
  return stream;
}

Result<UniqueFd> FakeBpfSys::CreateIterator(int link_fd) {
  const uint32_t program = links.at(HandleOf(link_fd).id).info.prog_id;
  const auto own = std::ranges::find_if(own_programs_,
                                        [&](const auto& entry) { return entry.second == program; });
  const Call call{Method::kCreateIterator, own->first};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  if (StatsOn()) ++programs.at(program).info.run_cnt;
  UniqueFd fd = HandOut({.role = Role::kStream, .kind = own->first, .stream = Stream(own->first)});
  End(call);
  return fd;
}

Result<size_t> FakeBpfSys::Read(int fd, std::span<std::byte> buffer) {
  Handle& handle = HandleOf(fd);
  const Call call{Method::kRead, handle.kind};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  const size_t length =
      std::min({buffer.size(), read_size, handle.stream.size() - handle.position});
  if (length > 0) std::memcpy(buffer.data(), handle.stream.data() + handle.position, length);
  handle.position += length;
  End(call);
  return length;
}

Result<UniqueFd> FakeBpfSys::EnableRunStats() {
  const Call call{Method::kEnableRunStats};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  UniqueFd fd = HandOut({.role = Role::kStats});
  End(call);
  return fd;
}

// The keys are 0, 1, 2 …
Result<bool> FakeBpfSys::NextKey(int map_fd, std::span<const std::byte> key,
                                 std::span<std::byte> next) {
  const Handle handle = HandleOf(map_fd);
  const Call call{Method::kNextKey, handle.kind, handle.id};
  if (const auto error = Begin(call)) {
    if (error->sys_errno == ENOENT) return false;
    return std::unexpected(*error);
  }
  if (!maps.at(handle.id).entries.empty()) {
    const auto entry = EntryBehind(maps.at(handle.id), key);
    if (entry == maps.at(handle.id).entries.size()) return false;
    std::ranges::copy(maps.at(handle.id).entries[entry].key, next.begin());
    End(call);
    return true;
  }
  uint32_t number = 0;
  if (!key.empty()) {
    std::memcpy(&number, key.data(), sizeof number);
    ++number;
  }
  if (number >= maps.at(handle.id).keys) return false;
  std::memcpy(next.data(), &number, sizeof number);
  End(call);
  return true;
}

Result<void> FakeBpfSys::LookupElement(int map_fd, std::span<const std::byte> key,
                                       std::span<std::byte> value) {
  const Handle handle = HandleOf(map_fd);
  const Call call{Method::kLookupElement, handle.kind, handle.id};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  const FakeMap& map = maps.at(handle.id);
  const size_t found = FindEntry(map, key);
  if (found == map.entries.size()) return std::unexpected(ErrnoError(ENOENT, "no such key"));
  const auto& held = map.entries[found].value;
  if (held.size() != value.size()) throw std::logic_error("room for another value");
  std::ranges::copy(held, value.begin());
  End(call);
  return {};
}

// As the kernel does it: hash maps bucket by bucket, with the bucket as the cursor; all others key
// by key, with the last key as the cursor, which begins anew where that key is gone.
Result<BatchAnswer> FakeBpfSys::LookupBatch(int map_fd, const BatchBuffers& buffers) {
  const Handle handle = HandleOf(map_fd);
  const Call call{Method::kLookupBatch, handle.kind, handle.id};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  const FakeMap& map = maps.at(handle.id);
  const bool by_bucket =
      map.info.type == BPF_MAP_TYPE_HASH || map.info.type == BPF_MAP_TYPE_LRU_HASH;
  uint32_t at = 0;
  if (by_bucket && !buffers.after.empty()) std::memcpy(&at, buffers.after.data(), sizeof at);
  if (!by_bucket)
    at = static_cast<uint32_t>(
        EntryBehind(map, buffers.after.first(buffers.after.empty() ? 0 : map.info.key_size)));
  BatchAnswer answer;
  while (at < map.entries.size()) {
    const size_t piece = by_bucket ? std::min(map.bucket, map.entries.size() - at) : 1;
    if (answer.count + piece > buffers.room) break;
    for (size_t i = 0; i < piece; ++i, ++at, ++answer.count) {
      const FakeEntry& entry = map.entries[at];
      std::ranges::copy(entry.key, buffers.keys.subspan(answer.count * entry.key.size()).begin());
      std::ranges::copy(entry.value,
                        buffers.values.subspan(answer.count * entry.value.size()).begin());
      if (!by_bucket) std::ranges::copy(entry.key, buffers.cursor.begin());
    }
  }
  answer.at_end = at == map.entries.size();
  if (answer.count == 0 && !answer.at_end) return std::unexpected(ErrnoError(ENOSPC, "no room"));
  if (by_bucket) std::memcpy(buffers.cursor.data(), &at, sizeof at);
  End(call);
  return answer;
}

Result<void> FakeBpfSys::CopyMapped(int map_fd, size_t offset, std::span<std::byte> into) {
  const Handle handle = HandleOf(map_fd);
  const Call call{Method::kCopyMapped, handle.kind, handle.id};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  std::vector<std::byte> memory;
  for (const FakeEntry& entry : maps.at(handle.id).entries)
    memory.insert(memory.end(), entry.value.begin(), entry.value.end());
  std::ranges::copy(std::span(memory).subspan(offset, into.size()), into.begin());
  End(call);
  return {};
}

Result<std::string> FakeBpfSys::ReadFile(const std::string& path) {
  const Call call{Method::kReadFile};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  const auto found = files.find(path);
  if (found == files.end()) return std::unexpected(ErrnoError(ENOENT, "cannot open " + path));
  End(call);
  return found->second;
}

Result<std::string> FakeBpfSys::CgroupPath(uint64_t id) {
  const Call call{Method::kCgroupPath};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  const auto found = cgroups.find(id);
  if (found == cgroups.end()) return std::unexpected(Error{ErrorKind::kVanished, ESTALE, "gone"});
  End(call);
  return found->second;
}

Result<uint64_t> FakeBpfSys::OpenFdCount() {
  const Call call{Method::kOpenFdCount};
  if (const auto error = Begin(call)) return std::unexpected(*error);
  End(call);
  return 7;
}

}  // namespace bpftally
