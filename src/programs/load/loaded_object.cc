#include "programs/load/loaded_object.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "host/kernel_addresses.h"
#include "kernel/map_handle.h"
#include "programs/load/attacher.h"
#include "programs/load/object_loader.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

Result<bpf_prog_info> ProgramInfo(BpfSys& sys, int fd) {
  bpf_prog_info info{};
  if (auto filled = sys.ObjectInfo(fd, std::as_writable_bytes(std::span(&info, 1))); !filled)
    return std::unexpected(filled.error());
  return info;
}

std::string TagText(const bpf_prog_info& info) {
  std::string text;
  for (const uint8_t byte : info.tag) text += fmt::format("{:02x}", byte);
  return text;
}

std::optional<MapHandle> DescribeMap(BpfSys& sys, const bpf_map* map) {
  const int fd = bpf_map__fd(map);
  if (fd < 0 || bpf_map__is_internal(map)) return std::nullopt;
  bpf_map_info info{};
  if (!sys.ObjectInfo(fd, std::as_writable_bytes(std::span(&info, 1)))) return std::nullopt;
  return MapHandle{.name = bpf_map__name(map),
                   .fd = fd,
                   .id = info.id,
                   .type = info.type,
                   .key_size = info.key_size,
                   .value_size = info.value_size,
                   .max_entries = info.max_entries,
                   .flags = info.map_flags};
}

class KernelProgram final : public LoadedProgram {
 public:
  KernelProgram(VerifiedObject verified, BpfSys& sys)
      : object_(std::move(verified.object)), sys_(sys) {
    bpf_program* program = nullptr;
    bpf_object__for_each_program(program, object_.get()) {
      const auto refused = verified.refused.find(bpf_program__name(program));
      // SEC("?...") means that the program is not wanted.
      if (!bpf_program__autoload(program) && refused == verified.refused.end()) continue;
      programs_.push_back(program);
      statuses_.push_back(Describe(program));
      if (refused != verified.refused.end()) statuses_.back().error = std::move(refused->second);
    }
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) {
      if (auto described = DescribeMap(sys_, map)) maps_.push_back(std::move(*described));
    }
  }

  void AttachAll(const Attacher& attacher) {
    AttachStructOps(attacher);
    for (size_t i = 0; i < programs_.size(); ++i) {
      if (bpf_program__fd(programs_[i]) < 0 ||
          bpf_program__type(programs_[i]) == BPF_PROG_TYPE_STRUCT_OPS)
        continue;
      Attachment attachment = attacher.Attach(programs_[i]);
      statuses_[i].attached = !attachment.links.empty();
      statuses_[i].error = std::move(attachment.error);
      Keep(std::move(attachment.links), programs_[i]);
    }
  }

  const std::vector<AttachStatus>& statuses() const override { return statuses_; }
  const std::vector<MapHandle>& maps() const override { return maps_; }

  Result<ProgramRunStats> RunStats(size_t program) override {
    auto info = ProgramInfo(sys_, bpf_program__fd(programs_.at(program)));
    if (!info) return std::unexpected(info.error());
    return ProgramRunStats{info->run_time_ns, info->run_cnt};
  }

  Result<void> RunIterators(std::chrono::steady_clock::time_point deadline,
                            const Clock& clock) override {
    for (const int link : iterator_links_) {
      if (auto run = RunIterator(link, deadline, clock); !run) return run;
    }
    return {};
  }

 private:
  AttachStatus Describe(const bpf_program* program) {
    AttachStatus status{.program = bpf_program__name(program),
                        .section = bpf_program__section_name(program)};
    const int fd = bpf_program__fd(program);
    if (fd < 0) return status;
    if (auto info = ProgramInfo(sys_, fd)) {
      status.id = info->id;
      status.tag = TagText(*info);
    }
    return status;
  }

  // Attaches struct_ops programs with the map that holds them: all or none.
  void AttachStructOps(const Attacher& attacher) {
    std::optional<Error> error;
    size_t attached = 0;
    bpf_map* map = nullptr;
    bpf_object__for_each_map(map, object_.get()) {
      if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS || bpf_map__fd(map) < 0) continue;
      Attachment attachment = attacher.Attach(map);
      if (attachment.error) error = std::move(attachment.error);
      attached += attachment.links.size();
      Keep(std::move(attachment.links), nullptr);
    }
    for (size_t i = 0; i < programs_.size(); ++i) {
      if (bpf_program__type(programs_[i]) != BPF_PROG_TYPE_STRUCT_OPS || statuses_[i].id == 0)
        continue;
      statuses_[i].attached = attached > 0 && !error;
      statuses_[i].error = error;
    }
  }

  void Keep(std::vector<BpfLinkPtr> links, const bpf_program* program) {
    const bool iterator =
        program != nullptr && bpf_program__expected_attach_type(program) == BPF_TRACE_ITER;
    for (BpfLinkPtr& link : links) {
      if (iterator) iterator_links_.push_back(bpf_link__fd(link.get()));
      links_.push_back(std::move(link));
    }
  }

  Result<void> RunIterator(int link, std::chrono::steady_clock::time_point deadline,
                           const Clock& clock) {
    auto iterator = sys_.CreateIterator(link);
    if (!iterator) return std::unexpected(iterator.error());
    std::array<std::byte, 32768> output{};  // the output itself is not used
    while (clock.Now() < deadline) {
      const auto got = sys_.Read(iterator->get(), output);
      if (got && *got == 0) return {};
      // EAGAIN: so many objects gave no output that the kernel wants another call.
      if (!got && got.error().sys_errno != EAGAIN && got.error().sys_errno != EINTR)
        return std::unexpected(got.error());
    }
    return std::unexpected(
        Error{ErrorKind::kExhausted, ETIME, "an iterator program did not end in time"});
  }

  BpfObjectPtr object_;
  BpfSys& sys_;
  std::vector<bpf_program*> programs_;
  std::vector<AttachStatus> statuses_;
  std::vector<MapHandle> maps_;
  std::vector<BpfLinkPtr> links_;  // freed before object_ is closed
  std::vector<int> iterator_links_;
};

}  // namespace

bool LoadedProgram::runs() const {
  return statuses().empty() || std::ranges::any_of(statuses(), &AttachStatus::id);
}

const MapHandle* LoadedProgram::FindMap(std::string_view name) const {
  const auto found = std::ranges::find(maps(), name, &MapHandle::name);
  return found == maps().end() ? nullptr : &*found;
}

Result<std::unique_ptr<LoadedProgram>> LoadedProgram::Load(const ProgramPlan& plan,
                                                           const LoadOptions& options,
                                                           BpfSys& sys) {
  auto addresses = FindKernelAddresses(plan.kaddrs, options.proc + "/kallsyms");
  if (!addresses) return std::unexpected(addresses.error());
  auto verified = LoadObject({plan.object, options.btf_path, std::move(*addresses)});
  if (!verified) return std::unexpected(verified.error());
  auto program = std::make_unique<KernelProgram>(std::move(*verified), sys);
  if (options.attach && program->runs()) program->AttachAll(Attacher(options.cgroup_root));
  return program;
}

}  // namespace bpftally
