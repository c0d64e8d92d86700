#include "programs/load/cgroup_id_map.h"

#include <bpf/bpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <map>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "base/finding.h"
#include "host/attach_points.h"
#include "host/cgroup_root.h"
#include "host/cgroup_watch.h"
#include "kernel/map_handle.h"
#include "programs/plan/plan.h"
#include "programs/plan/regexp.h"

namespace bpftally {
namespace {

constexpr std::chrono::seconds kLookAgain{5};

using Expressions = std::vector<std::unique_ptr<RE2>>;

Error Invalid(const CgroupIdMapPlan& config, std::string_view what) {
  return {ErrorKind::kInvalid, 0, fmt::format("cgroup_id_map {}: {}", config.name, what)};
}

Result<Expressions> Compile(const CgroupIdMapPlan& config) {
  Expressions expressions;
  for (const std::string& text : config.regexps) {
    auto expression = CompileRegexp(text);
    if (!expression) return std::unexpected(Invalid(config, expression.error().message));
    expressions.push_back(std::move(*expression));
  }
  return expressions;
}

// Finds the map that the configuration describes.
Result<const MapHandle*> FindMap(const CgroupIdMapPlan& config, const LoadedProgram& program) {
  const bool storage = config.type == "cgrp_storage";
  if (!storage && !config.type.empty() && config.type != "hash") {
    return std::unexpected(Invalid(
        config,
        fmt::format("unknown type {}: expected hash or cgrp_storage", Quoted(config.type))));
  }
  const MapHandle* map = program.FindMap(config.name);
  if (map == nullptr) return std::unexpected(Invalid(config, "the object has no map of that name"));
  const uint32_t key_size = storage ? sizeof(int32_t) : sizeof(uint64_t);
  if (storage != (map->type == BPF_MAP_TYPE_CGRP_STORAGE))
    return std::unexpected(Invalid(config, "the map is of another type"));
  if (map->key_size != key_size || map->value_size != sizeof(uint64_t)) {
    return std::unexpected(
        Invalid(config, fmt::format("its keys have {} bytes and its values {}, expected {} and 8",
                                    map->key_size, map->value_size, key_size)));
  }
  return map;
}

class WatchedMap final : public CgroupIdMap {
 public:
  WatchedMap(const MapHandle& map, Expressions expressions, CgroupWatch watch)
      : map_(map), expressions_(std::move(expressions)), watch_(std::move(watch)) {
    Apply(watch_.Wait(std::chrono::milliseconds(0)));
  }

  ~WatchedMap() override {
    ending_ = true;
    watch_.Wake();
    if (thread_.joinable()) thread_.join();
  }

  Result<void> Start() override {
    try {
      thread_ = std::thread([this] { Run(); });
    } catch (const std::system_error& error) {
      return std::unexpected(
          ErrnoError(error.code().value(), "cannot start the thread that watches control groups"));
    }
    return {};
  }

  std::optional<Error> TakeComplaint() override {
    const std::lock_guard lock(mutex_);
    return std::exchange(complaint_, std::nullopt);
  }

 private:
  void Run() {
    while (!ending_) Apply(watch_.Wait(kLookAgain));
  }

  void Apply(const CgroupWatch::Changes& changes) {
    for (const std::string& path : changes.removed) Remove(path);
    for (const std::string& path : changes.added) {
      if (IsWanted(path)) Add(path);
    }
  }

  bool IsWanted(const std::string& path) const {
    return std::ranges::any_of(
        expressions_, [&](const auto& expression) { return RE2::PartialMatch(path, *expression); });
  }

  void Add(const std::string& path) {
    const auto directory = OpenDirectory(path);
    if (!directory) return;  // the group is gone again
    const auto inode = InodeOf(*directory);
    if (!inode) return;
    const uint64_t id = *inode;
    const int32_t fd = directory->get();
    const uint64_t one = 1;
    const bool storage = map_.type == BPF_MAP_TYPE_CGRP_STORAGE;
    const void* key = storage ? static_cast<const void*>(&fd) : &id;
    if (bpf_map_update_elem(map_.fd, key, &one, BPF_ANY) != 0) {
      Complain(path, errno);
    } else if (!storage) {
      ids_[path] = id;  // storage ends with its group
    }
  }

  void Remove(const std::string& path) {
    const auto known = ids_.find(path);
    if (known == ids_.end()) return;
    bpf_map_delete_elem(map_.fd, &known->second);
    ids_.erase(known);
  }

  // Keeps the first error only: a full map would repeat it for each group.
  void Complain(const std::string& path, int sys_errno) {
    if (std::exchange(complained_, true)) return;
    const std::lock_guard lock(mutex_);
    complaint_ =
        Error{KindOfErrno(sys_errno), sys_errno,
              fmt::format("cgroup_id_map {}: cannot add {}: {} (max_entries is {}); not said again",
                          map_.name, path, std::strerror(sys_errno), map_.max_entries)};
  }

  const MapHandle& map_;
  Expressions expressions_;
  CgroupWatch watch_;
  std::map<std::string, uint64_t> ids_;  // entries in the map; the key is the path
  bool complained_ = false;
  std::atomic<bool> ending_ = false;
  std::mutex mutex_;
  std::optional<Error> complaint_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<CgroupIdMap>> CgroupIdMap::Make(const CgroupIdMapPlan& config,
                                                       const LoadedProgram& program,
                                                       const std::string& cgroup_root) {
  auto map = FindMap(config, program);
  if (!map) return std::unexpected(map.error());
  auto expressions = Compile(config);
  if (!expressions) return std::unexpected(expressions.error());
  auto root = cgroup_root.empty() ? FindCgroupRoot("/proc/self/mounts") : cgroup_root;
  if (!root) return std::unexpected(Wrap(root.error(), "cgroup_id_map " + config.name));
  auto watch = CgroupWatch::Make(*root);
  if (!watch) return std::unexpected(Wrap(watch.error(), "cgroup_id_map " + config.name));
  return std::make_unique<WatchedMap>(**map, std::move(*expressions), std::move(*watch));
}

}  // namespace bpftally
