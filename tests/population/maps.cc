#include "population/maps.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <memory>
#include <utility>

#include "population/kernel_abilities.h"
#include "population/libbpf_options.h"

namespace bpftally {
namespace {

enum class Fill { kNothing, kZeros, kInterface, kMap, kSocket, kPrefix, kPush };

struct Spec {
  const char* label;
  bpf_map_type type;
  uint32_t key_size = 4;
  uint32_t value_size = 4;
  uint32_t max_entries = 8;
  uint32_t flags = 0;
  Fill fill = Fill::kNothing;
  uint64_t extra = 0;
};

constexpr uint32_t kEntries = 5;     // in every map that is filled
constexpr uint32_t kBuffer = 65536;  // a multiple of every page size
constexpr uint32_t kCgroupKey = sizeof(bpf_cgroup_storage_key);

constexpr Spec kSpecs[] = {
    {"hash", BPF_MAP_TYPE_HASH, 4, 8, 100, 0, Fill::kZeros},
    {"hash/no_prealloc", BPF_MAP_TYPE_HASH, 4, 8, 100, BPF_F_NO_PREALLOC, Fill::kZeros},
    {"hash/rdonly_prog", BPF_MAP_TYPE_HASH, 16, 24, 33, BPF_F_RDONLY_PROG},
    {"array", BPF_MAP_TYPE_ARRAY, 4, 12, 17},
    {"array/mmapable", BPF_MAP_TYPE_ARRAY, 4, 12, 17, BPF_F_MMAPABLE},
    {"array/frozen", BPF_MAP_TYPE_ARRAY, 4, 12, 17},
    {"prog_array", BPF_MAP_TYPE_PROG_ARRAY},
    {"perf_event_array", BPF_MAP_TYPE_PERF_EVENT_ARRAY},
    {"percpu_hash", BPF_MAP_TYPE_PERCPU_HASH, 4, 8, 100, 0, Fill::kZeros},
    {"percpu_array", BPF_MAP_TYPE_PERCPU_ARRAY, 4, 24, 9},
    {"stack_trace", BPF_MAP_TYPE_STACK_TRACE, 4, 80, 16},
    {"cgroup_array", BPF_MAP_TYPE_CGROUP_ARRAY},
    {"lru_hash", BPF_MAP_TYPE_LRU_HASH, 4, 8, 1000, 0, Fill::kZeros},
    {"lru_percpu_hash", BPF_MAP_TYPE_LRU_PERCPU_HASH, 4, 8, 1000, 0, Fill::kZeros},
    {"lpm_trie", BPF_MAP_TYPE_LPM_TRIE, 8, 8, 100, BPF_F_NO_PREALLOC, Fill::kPrefix},
    {"array_of_maps", BPF_MAP_TYPE_ARRAY_OF_MAPS},
    {"hash_of_maps", BPF_MAP_TYPE_HASH_OF_MAPS, 4, 4, 8, 0, Fill::kMap},
    {"devmap", BPF_MAP_TYPE_DEVMAP},
    {"devmap_hash", BPF_MAP_TYPE_DEVMAP_HASH, 4, 4, 8, 0, Fill::kInterface},
    {"sockmap", BPF_MAP_TYPE_SOCKMAP},
    {"sockhash", BPF_MAP_TYPE_SOCKHASH, 4, 4, 8, 0, Fill::kSocket},
    {"cpumap", BPF_MAP_TYPE_CPUMAP, 4, 4, 1},
    {"xskmap", BPF_MAP_TYPE_XSKMAP},
    {"cgroup_storage", BPF_MAP_TYPE_CGROUP_STORAGE, kCgroupKey, 8, 0},
    {"percpu_cgroup_storage", BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE, kCgroupKey, 8, 0},
    {"reuseport_sockarray", BPF_MAP_TYPE_REUSEPORT_SOCKARRAY, 4, 8, 8},
    {"queue", BPF_MAP_TYPE_QUEUE, 0, 8, 20, 0, Fill::kPush},
    {"stack", BPF_MAP_TYPE_STACK, 0, 8, 20, 0, Fill::kPush},
    {"sk_storage", BPF_MAP_TYPE_SK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC},
    {"inode_storage", BPF_MAP_TYPE_INODE_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC},
    {"task_storage", BPF_MAP_TYPE_TASK_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC},
    {"cgrp_storage", BPF_MAP_TYPE_CGRP_STORAGE, 4, 8, 0, BPF_F_NO_PREALLOC},
    {"ringbuf", BPF_MAP_TYPE_RINGBUF, 0, 0, kBuffer},
    {"user_ringbuf", BPF_MAP_TYPE_USER_RINGBUF, 0, 0, kBuffer},
    {"bloom_filter", BPF_MAP_TYPE_BLOOM_FILTER, 0, 8, 50, 0, Fill::kNothing, 3},
    {"arena", BPF_MAP_TYPE_ARENA, 0, 0, 10, BPF_F_MMAPABLE, Fill::kNothing, 1ULL << 44},
};

bool IsLocalStorage(bpf_map_type type) {
  return type == BPF_MAP_TYPE_SK_STORAGE || type == BPF_MAP_TYPE_INODE_STORAGE ||
         type == BPF_MAP_TYPE_TASK_STORAGE || type == BPF_MAP_TYPE_CGRP_STORAGE;
}

// BTF types of a key of 4 and a value of 8 bytes, which local storages demand. The maps keep it
// alive.
class Types {
 public:
  Types() : btf_(btf__new_empty(), &btf__free) {
    key_ = btf__add_int(btf_.get(), "int", 4, BTF_INT_SIGNED);
    value_ = btf__add_int(btf_.get(), "long", 8, BTF_INT_SIGNED);
    btf__load_into_kernel(btf_.get());
  }
  void AddTo(bpf_map_create_opts& options) const {
    options.btf_fd = static_cast<uint32_t>(btf__fd(btf_.get()));
    options.btf_key_type_id = static_cast<uint32_t>(key_);
    options.btf_value_type_id = static_cast<uint32_t>(value_);
  }
  uint32_t id() const {
    bpf_btf_info info{};
    uint32_t size = sizeof(info);
    bpf_btf_get_info_by_fd(btf__fd(btf_.get()), &info, &size);
    return info.id;
  }

 private:
  std::unique_ptr<btf, decltype(&btf__free)> btf_;
  int key_ = 0;
  int value_ = 0;
};

// First bytes of an entry's value: an fd, an interface index, or nothing.
uint32_t ValueFor(Fill fill, int inner_map, int socket) {
  switch (fill) {
    case Fill::kInterface:
      return 1;  // index of the loopback interface
    case Fill::kMap:
      return static_cast<uint32_t>(inner_map);
    case Fill::kSocket:
      return static_cast<uint32_t>(socket);
    default:
      return 0;
  }
}

class Maker {
 public:
  explicit Maker(Made& made) : made_(made) {
    inner_.Reset(bpf_map_create(BPF_MAP_TYPE_ARRAY, "inner", 4, 4, 1, nullptr));
    std::array<int, 2> pair = {-1, -1};
    ::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair.data());
    socket_ = pair[0];
    // Keeps the sockets open: a closed socket leaves its maps.
    for (const int fd : pair) made_.kept.push_back(std::make_shared<UniqueFd>(fd));
  }

  void Make(const Spec& spec) {
    auto options = EmptyOptions<bpf_map_create_opts>();
    options.map_flags = spec.flags;
    options.map_extra = spec.extra;
    if (IsLocalStorage(spec.type)) types_.AddTo(options);
    if (spec.type == BPF_MAP_TYPE_ARRAY_OF_MAPS || spec.type == BPF_MAP_TYPE_HASH_OF_MAPS) {
      options.inner_map_fd = static_cast<uint32_t>(inner_.get());
    }
    const std::string name = NameOf(spec);
    KnownMap map;
    map.fd.Reset(bpf_map_create(spec.type, name.c_str(), spec.key_size, spec.value_size,
                                spec.max_entries, &options));
    if (!map.fd) return Refuse(spec, errno);
    map.label = spec.label;
    map.made = FactsOf(spec, name);
    if (spec.fill != Fill::kNothing) {
      if (!FillWithEntries(map.fd.get(), spec)) return Refuse(spec, errno);
      map.made.entries = kEntries;
    }
    map.made.frozen = map.label == "array/frozen" && bpf_map_freeze(map.fd.get()) == 0;
    Keep(made_, std::move(map));
  }

 private:
  static std::string NameOf(const Spec& spec) {
    std::string name = spec.label;
    for (char& letter : name) letter = letter == '/' ? '.' : letter;
    return name;
  }

  MapInfo FactsOf(const Spec& spec, const std::string& name) const {
    MapInfo known;
    known.type = spec.type;
    known.name = name.substr(0, BPF_OBJ_NAME_LEN - 1);
    known.key_size = spec.key_size;
    known.value_size = spec.value_size;
    known.max_entries = spec.max_entries;
    known.flags = spec.flags;
    // Set by the kernel, since a lookup exposes the inside of the map.
    if (spec.type == BPF_MAP_TYPE_DEVMAP || spec.type == BPF_MAP_TYPE_DEVMAP_HASH) {
      known.flags |= BPF_F_RDONLY_PROG;
    }
    known.map_extra = spec.extra;
    known.btf_id = IsLocalStorage(spec.type) ? types_.id() : 0;
    if (spec.type == BPF_MAP_TYPE_RINGBUF || spec.type == BPF_MAP_TYPE_USER_RINGBUF) {
      known.buffer_size_bytes = spec.max_entries;
      known.buffer_backlog_bytes = 0;
    }
    return known;
  }

  bool FillWithEntries(int fd, const Spec& spec) {
    const auto cpus = static_cast<size_t>(libbpf_num_possible_cpus());
    std::vector<uint32_t> value(cpus * ((spec.value_size + 7) / 8) * 2);
    value[0] = ValueFor(spec.fill, inner_.get(), socket_);
    for (uint32_t i = 0; i < kEntries; i++) {
      const std::array<uint32_t, 2> prefix = {32, i};
      const void* key = spec.fill == Fill::kPrefix ? prefix.data() : &prefix[1];
      if (spec.fill == Fill::kPush) key = nullptr;
      if (bpf_map_update_elem(fd, key, value.data(), BPF_ANY) != 0) return false;
    }
    return true;
  }

  void Refuse(const Spec& spec, int failed) {
    made_.Refuse(std::string("map ") + spec.label, failed, !KernelHasMapType(spec.type));
  }

  Made& made_;
  Types types_;
  UniqueFd inner_;
  int socket_ = -1;
};

}  // namespace

void MakePlainMaps(Made& made) {
  Maker maker(made);
  for (const Spec& spec : kSpecs) maker.Make(spec);
}

}  // namespace bpftally
