#include "programs/load/object_loader.h"

#include <bpf/btf.h>
#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <span>
#include <string_view>
#include <vector>

#include "kernel/libbpf_messages.h"
#include "programs/load/load_error.h"
#include "programs/load/section.h"

namespace bpftally {
namespace {

constexpr size_t kLogBytes = size_t{64} << 10;
// Size of a log that did not fit: before 6.4 such a log loses its end, which has the reason.
constexpr size_t kLargeLogBytes = size_t{16} << 20;

// Holds the verifier's log of each program in one attempt.
class VerifierLogs {
 public:
  // Gives more room to the programs named in `large`.
  VerifierLogs(bpf_object* object, const std::set<std::string>& large) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) {
      const size_t size = large.contains(bpf_program__name(program)) ? kLargeLogBytes : kLogBytes;
      // Left uninitialised: the kernel touches only what it needs.
      logs_.push_back({program, std::unique_ptr<char[]>(new char[size])});
      logs_.back().text[0] = '\0';
      bpf_program__set_log_buf(program, logs_.back().text.get(), size);
    }
  }

  // Returns the refused program: libbpf asks for a log only if one failed.
  bpf_program* Refused() const {
    for (const Log& log : logs_) {
      if (log.text[0] != '\0') return log.program;
    }
    return nullptr;
  }

  std::string_view Of(const bpf_program* program) const {
    for (const Log& log : logs_) {
      if (log.program == program) return log.text.get();
    }
    return {};
  }

 private:
  struct Log {
    bpf_program* program;
    std::unique_ptr<char[]> text;
  };
  std::vector<Log> logs_;
};

// Finds the program of the first warning that names one: libbpf begins such a warning with "prog
// 'NAME': ".
bpf_program* NamedIn(std::span<const std::string> warnings, bpf_object* object) {
  for (const std::string& line : warnings) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) {
      if (line.starts_with(fmt::format("prog '{}': ", bpf_program__name(program)))) return program;
    }
  }
  return nullptr;
}

Result<BpfObjectPtr> Open(const ObjectLoad& load) {
  const LibbpfWarnings warnings;
  bpf_object_open_opts options{};
  options.sz = sizeof options;
  options.btf_custom_path = load.btf_path.empty() ? nullptr : load.btf_path.c_str();
  BpfObjectPtr object(bpf_object__open_file(load.path.c_str(), &options));
  if (object) return object;
  return std::unexpected(ObjectError(load.path, errno, warnings.Last()));
}

// Sets the type of a program whose section libbpf does not know, and so has no type for.
void SetType(bpf_program* program, const Section& section) {
  if (std::holds_alternative<PerfEventSection>(section)) {
    bpf_program__set_type(program, BPF_PROG_TYPE_PERF_EVENT);
  } else if (const auto* on = std::get_if<InterfaceSection>(&section)) {
    const bool xdp = on->hook == InterfaceSection::Hook::kXdp;
    bpf_program__set_type(program, xdp ? BPF_PROG_TYPE_XDP : BPF_PROG_TYPE_SCHED_CLS);
    bpf_program__set_expected_attach_type(program, xdp ? BPF_XDP
                                                   : on->hook == InterfaceSection::Hook::kIngress
                                                       ? BPF_TCX_INGRESS
                                                       : BPF_TCX_EGRESS);
  }
}

void SetTypes(bpf_object* object, std::map<std::string, Error>& refused) {
  bpf_program* program = nullptr;
  bpf_object__for_each_program(program, object) {
    if (const auto section = ParseSection(bpf_program__section_name(program)); section)
      SetType(program, *section);
    else
      refused.emplace(bpf_program__name(program),
                      Wrap(section.error(), fmt::format("program {}", bpf_program__name(program))));
  }
}

// Returns the bytes of a constant in .rodata, or nullptr if none has that name and size.
std::byte* FindConstant(bpf_object* object, const std::string& name, size_t size) {
  const btf* types = bpf_object__btf(object);
  const bpf_map* map = bpf_object__find_map_by_name(object, ".rodata");
  size_t bytes = 0;
  auto* content =
      map == nullptr
          ? nullptr
          : static_cast<std::byte*>(const_cast<void*>(bpf_map__initial_value(map, &bytes)));
  // Objects built without -g have constants, but no types.
  if (types == nullptr || content == nullptr) return nullptr;
  const int id = btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
  if (id < 0) return nullptr;
  const btf_type* section = btf__type_by_id(types, static_cast<uint32_t>(id));
  for (const btf_var_secinfo& variable : std::span(btf_var_secinfos(section), btf_vlen(section))) {
    const btf_type* type = btf__type_by_id(types, variable.type);
    if (name != btf__name_by_offset(types, type->name_off)) continue;
    const bool fits = variable.size == size && size_t{variable.offset} + size <= bytes;
    return fits ? content + variable.offset : nullptr;
  }
  return nullptr;
}

Result<void> SetAddresses(const ObjectLoad& load, bpf_object* object) {
  for (const auto& [symbol, address] : load.addresses) {
    std::byte* constant = FindConstant(object, "kaddr_" + symbol, sizeof address);
    if (constant == nullptr) {
      return std::unexpected(Error{ErrorKind::kInvalid, 0,
                                   fmt::format("{}: kaddrs has {}, but the object has no "
                                               "\"const volatile u64 kaddr_{}\" that it reads",
                                               load.path, symbol, symbol)});
    }
    std::memcpy(constant, &address, sizeof address);
  }
  return {};
}

// Makes one attempt after another until no program is refused any more: libbpf loads an object as a
// whole or not at all, and only once.
class Attempts {
 public:
  explicit Attempts(const ObjectLoad& load) : load_(load) {}

  Result<VerifiedObject> Run() {
    while (true) {
      auto object = Open(load_);
      if (!object) return std::unexpected(object.error());
      if (auto set = SetAddresses(load_, object->get()); !set) return std::unexpected(set.error());
      SetTypes(object->get(), refused_);
      SwitchOff(object->get());
      auto again = Try(object->get());
      if (!again) return std::unexpected(again.error());
      if (!*again) return VerifiedObject{std::move(*object), std::move(refused_)};
    }
  }

 private:
  void SwitchOff(bpf_object* object) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object) {
      if (refused_.contains(bpf_program__name(program))) bpf_program__set_autoload(program, false);
    }
  }

  // Returns true if one more program proved to be refused (or to need more room for its log). That
  // happens at most twice for each program, so the attempts end.
  Result<bool> Try(bpf_object* object) {
    const LibbpfWarnings warnings;
    const VerifierLogs logs(object, large_logs_);
    const int error = -bpf_object__load(object);
    if (error == 0) return false;
    const bpf_program* program = logs.Refused();
    if (program == nullptr) program = NamedIn(warnings.lines(), object);
    if (program == nullptr || refused_.contains(bpf_program__name(program)))
      return std::unexpected(ObjectError(load_.path, error, warnings.Last()));
    const std::string name = bpf_program__name(program);
    if (error == ENOSPC && large_logs_.insert(name).second) return true;
    refused_.emplace(name, RefusedError(name, bpf_program__section_name(program), error,
                                        logs.Of(program), warnings.lines()));
    return true;
  }

  const ObjectLoad& load_;
  std::map<std::string, Error> refused_;
  std::set<std::string> large_logs_;
};

}  // namespace

Result<VerifiedObject> LoadObject(const ObjectLoad& load) { return Attempts(load).Run(); }

}  // namespace bpftally
