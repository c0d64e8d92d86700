#include "population/objects.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/clock.h"
#include "population/kernel_abilities.h"

namespace bpftally {
namespace {

constexpr const char* kReplaced = "bpftally_program_to_be_replaced_in_part";

// One compiled object, loaded from a file: the skeletons of this bpftool require a newer libbpf if
// there is a struct_ops map.
class Object {
 public:
  explicit Object(const std::string& name)
      : object_(bpf_object__open((POPULATION_OBJECTS "/" + name + ".bpf.o").c_str()),
                &bpf_object__close) {}
  bpf_object* get() const { return object_.get(); }

 private:
  std::unique_ptr<bpf_object, decltype(&bpf_object__close)> object_;
};

using Logs = std::map<const bpf_program*, std::array<char, 16384>>;

// Returns the number that follows (or, for "insns", precedes) a word in the verifier's log.
std::optional<uint32_t> NumberAt(const char* text) {
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(text, text + std::strlen(text), number);
  return error == std::errc() ? std::optional(number) : std::nullopt;
}

std::optional<uint32_t> NumberAfter(std::string_view log, std::string_view words) {
  const size_t at = log.find(words);
  if (at == std::string_view::npos) return std::nullopt;
  return NumberAt(log.data() + at + words.size());
}

// Counts the program's functions: the log lists the stack depth of each, as "64+0+8".
std::optional<uint32_t> FunctionsIn(std::string_view log) {
  const size_t at = log.find("stack depth ");
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view line = log.substr(at, log.find('\n', at) - at);
  return 1 + static_cast<uint32_t>(std::ranges::count(line, '+'));
}

void AskForStatistics(bpf_object* object, Logs& logs) {
  constexpr uint32_t kStatistics = 4;
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    auto& log = logs[program];
    bpf_program__set_log_level(program, kStatistics);
    bpf_program__set_log_buf(program, log.data(), log.size());
  }
}

uint32_t BtfIdOf(const bpf_object* object) {
  bpf_btf_info info{};
  uint32_t size = sizeof(info);
  bpf_btf_get_info_by_fd(bpf_object__btf_fd(object), &info, &size);
  return info.id;
}

struct Loaded {
  const bpf_object* object;
  const Logs& logs;
  int64_t after_ns;
  int64_t before_ns;
};

void KeepPrograms(Made& made, const Loaded& loaded) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, loaded.object) {
    KnownProgram known;
    known.label = bpf_program__name(program);
    known.fd.Reset(::dup(bpf_program__fd(program)));
    known.loaded_after_ns = loaded.after_ns;
    known.loaded_before_ns = loaded.before_ns;
    known.made.type = bpf_program__type(program);
    known.made.name = known.label;
    known.made.gpl_compatible = true;
    known.made.uid = ::getuid();
    known.made.btf_id = BtfIdOf(loaded.object);
    const char* log = loaded.logs.at(program).data();
    known.made.verified_instructions = NumberAfter(log, "\nprocessed ");
    known.made.stack_depth_bytes = NumberAfter(log, "stack depth ");
    known.made.subprograms = FunctionsIn(log);
    Keep(made, std::move(known));
  }
}

void KeepMaps(Made& made, const bpf_object* object) {
  const bpf_map* map = nullptr;
  bpf_object__for_each_map(map, object) {
    if (bpf_map__fd(map) < 0) continue;
    KnownMap known;
    known.label = bpf_map__name(map);
    known.fd.Reset(::dup(bpf_map__fd(map)));
    bpf_map_info info{};
    uint32_t size = sizeof(info);
    bpf_map_get_info_by_fd(known.fd.get(), &info, &size);
    known.made.type = bpf_map__type(map);
    // Sections that the compiler makes, such as ".bss", are not variables.
    known.made.name = bpf_map__is_internal(map) ? info.name : known.label;
    known.made.key_size = bpf_map__key_size(map);
    known.made.value_size = bpf_map__value_size(map);
    known.made.max_entries = bpf_map__max_entries(map);
    known.made.flags = bpf_map__map_flags(map);
    known.made.map_extra = bpf_map__map_extra(map);
    known.made.frozen = false;
    known.made.btf_id = info.btf_id;
    Keep(made, std::move(known));
  }
}

bool LoadAndKeep(Made& made, bpf_object* object) {
  Logs logs;
  AskForStatistics(object, logs);
  const int64_t after = SystemClock().WallNanoseconds();
  if (bpf_object__load(object) != 0) return false;
  KeepPrograms(made, {object, logs, after, SystemClock().WallNanoseconds()});
  KeepMaps(made, object);
  return true;
}

void UsesMaps(Made& made, std::string_view program, const std::vector<const char*>& maps) {
  const auto user = std::ranges::find(made.programs, program, &KnownProgram::label);
  auto& ids = user->made.map_ids.emplace();
  for (const char* map : maps) ids.push_back(made.Map(map)->made.id);
}

void MakePopulation(Made& made) {
  const Object object("population");
  if (!LoadAndKeep(made, object.get())) return made.Refuse("object population", errno, false);
  UsesMaps(made, "bpftally_program_with_two_subprograms",
           {"bpftally_hash_with_a_long_name", "bpftally_same_prefix_one",
            "bpftally_same_prefix_two", "populati.bss"});
  UsesMaps(made, "bpftally_fill_ring_buffer", {"bpftally_backlog"});
  UsesMaps(made, "bpftally_fill_perf_buffers", {"bpftally_lost"});
  UsesMaps(made, kReplaced, {});
  const auto hash =
      std::ranges::find(made.maps, "bpftally_hash_with_a_long_name", &KnownMap::label);
  const uint64_t entries = hash->made.entries.emplace(7);
  for (uint64_t key = 0; key < entries; key++) {
    bpf_map_update_elem(hash->fd.get(), &key, &key, BPF_ANY);
  }
}

void MakeReplacement(Made& made) {
  const KnownProgram* target = made.Program(kReplaced);
  if (target == nullptr) return;
  const Object object("replacement");
  bpf_program* program = bpf_object__find_program_by_name(object.get(), "bpftally_replacement");
  bpf_program__set_attach_target(program, target->fd.get(), "bpftally_replaceable");
  if (!LoadAndKeep(made, object.get())) {
    made.Refuse("object replacement (ext)", errno, !KernelHasProgramType(BPF_PROG_TYPE_EXT));
  }
}

void KeepStructOpsLink(Made& made, const bpf_map* map) {
  bpf_link* link = bpf_map__attach_struct_ops(map);
  if (link == nullptr) {
    return made.Refuse("link struct_ops", errno, !KernelHasFunction("bpf_struct_ops_link_create"));
  }
  KnownLink known;
  known.label = "struct_ops";
  known.fd.Reset(::dup(bpf_link__fd(link)));
  known.made.type = BPF_LINK_TYPE_STRUCT_OPS;
  known.made.target = bpf_map__name(map);
  Keep(made, std::move(known));
  bpf_link__destroy(link);
}

// Makes the algorithm's name unique to this process: TCP finds it by that name on the whole host.
void SetAlgorithmName(bpf_map* map) {
  constexpr size_t kNameOffset = 3 * sizeof(void*);
  constexpr size_t kNameSize = 16;
  size_t size = 0;
  char* value = static_cast<char*>(bpf_map__initial_value(map, &size));
  (void)std::snprintf(value + kNameOffset, kNameSize, "tally_%d", ::getpid());
}

void MakeCongestionControl(Made& made) {
  const Object object("congestion");
  SetAlgorithmName(bpf_object__find_map_by_name(object.get(), "bpftally_congestion"));
  if (!LoadAndKeep(made, object.get())) {
    return made.Refuse("object congestion (struct_ops)", errno,
                       !KernelHasFunction("bpf_struct_ops_link_create"));
  }
  KeepStructOpsLink(made, bpf_object__find_map_by_name(object.get(), "bpftally_congestion"));
}

}  // namespace

void MakeObjects(Made& made) {
  MakePopulation(made);
  MakeReplacement(made);
  MakeCongestionControl(made);
}

}  // namespace bpftally
