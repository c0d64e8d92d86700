#include "census/link_details.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "census/iterator_reader.h"
#include "census/link_target.h"
#include "kernel/bpf_sys.h"
#include "kernel/object_info.h"

namespace bpftally {
namespace {

constexpr size_t kMaxText = 4096;  // PATH_MAX
using Text = std::array<char, kMaxText>;

struct Answer {
  bpf_link_info info{};
  size_t known = 0;
};

// Asks again with room for the names that this type of link has.
template <typename SetBuffer>
std::optional<Answer> AskAgain(const Pass& pass, int fd, SetBuffer set_buffer) {
  Answer answer;
  set_buffer(answer.info);
  const auto known = GetInfo(pass.sys, fd, answer.info);
  if (!known) return std::nullopt;
  answer.known = *known;
  return answer;
}

std::optional<std::string> NonEmpty(std::string text) {
  if (text.empty()) return std::nullopt;
  return text;
}

std::optional<std::string> RawTracepoint(const Pass& pass, int fd) {
  Text text{};
  const auto info = AskAgain(pass, fd, [&](bpf_link_info& query) {
    query.raw_tracepoint.tp_name = reinterpret_cast<uintptr_t>(text.data());
    query.raw_tracepoint.tp_name_len = text.size();
  });
  return info ? NonEmpty(FixedText(text)) : std::nullopt;
}

std::optional<std::string> IteratorTarget(const Pass& pass, int fd) {
  Text text{};
  const auto info = AskAgain(pass, fd, [&](bpf_link_info& query) {
    query.iter.target_name = reinterpret_cast<uintptr_t>(text.data());
    query.iter.target_name_len = text.size();
  });
  return info ? NonEmpty(FixedText(text)) : std::nullopt;
}

// The length is the whole union's: that a kernel knows a member shows only by one that came with it
// and is longer than what was there before.
bool KnowsMissed(size_t known) {  // 6.7, of kprobe and kprobe_multi
  return BPFTALLY_HAS_FIELD(bpf_link_info, perf_event.kprobe.missed, known);
}
bool KnowsUprobeMulti(size_t known) {  // 6.8
  return BPFTALLY_HAS_FIELD(bpf_link_info, uprobe_multi.pid, known);
}

// Names of perf events came with 6.6; the first answer says only which kind it is.
void PerfEvent(const Pass& pass, int fd, uint32_t kind, LinkDetails& details) {
  Text text{};
  const auto answer = AskAgain(pass, fd, [&](bpf_link_info& query) {
    const auto address = reinterpret_cast<uintptr_t>(text.data());
    // The three kinds with a name have its address and length at the same place.
    query.perf_event.uprobe.file_name = address;
    query.perf_event.uprobe.name_len = text.size();
  });
  if (!answer) return;
  const auto& event = answer->info.perf_event;
  switch (kind) {
    case BPF_PERF_EVENT_UPROBE:
    case BPF_PERF_EVENT_URETPROBE:
      if (text[0] != '\0') details.target = ProbeTarget(FixedText(text), event.uprobe.offset);
      break;
    case BPF_PERF_EVENT_KPROBE:
    case BPF_PERF_EVENT_KRETPROBE:
      if (text[0] != '\0') details.target = ProbeTarget(FixedText(text), event.kprobe.offset);
      if (KnowsMissed(answer->known)) details.missed = event.kprobe.missed;
      break;
    case BPF_PERF_EVENT_TRACEPOINT:
      details.target = NonEmpty(FixedText(text));
      break;
    case BPF_PERF_EVENT_EVENT:
      details.target = PerfEventTarget(event.event.type, event.event.config);
      break;
    default:
      break;
  }
}

void UprobeMulti(const Pass& pass, int fd, LinkDetails& details) {
  Text text{};
  const auto answer = AskAgain(pass, fd, [&](bpf_link_info& query) {
    query.uprobe_multi.path = reinterpret_cast<uintptr_t>(text.data());
    query.uprobe_multi.path_size = text.size();
  });
  if (!answer || !KnowsUprobeMulti(answer->known)) return;
  details.target_count = answer->info.uprobe_multi.count;
  details.target = NonEmpty(FixedText(text));
}

// Finds the BTF object, if any, that describes a program's own functions.
std::optional<uint32_t> BtfOfProgram(const Pass& pass, uint32_t program) {
  const auto fd = pass.sys.OpenById(ObjectKind::kProgram, program);
  bpf_prog_info info{};
  if (!fd || !GetInfo(pass.sys, fd->get(), info) || info.btf_id == 0) return std::nullopt;
  return info.btf_id;
}

struct Tracer {
  bool replaces = false;    // a function of another BPF program (freplace)
  bool on_program = false;  // no BTF object of the kernel's is its target (known from 6.0 on)
};

// Returns nothing where the tracing program cannot be read.
std::optional<Tracer> AskTracer(const Pass& pass, uint32_t program) {
  const auto fd = pass.sys.OpenById(ObjectKind::kProgram, program);
  bpf_prog_info info{};
  const auto known =
      fd ? GetInfo(pass.sys, fd->get(), info) : Result<size_t>(std::unexpected(fd.error()));
  if (!known) return std::nullopt;
  const bool replaces = info.type == BPF_PROG_TYPE_EXT;
  const bool known_object = BPFTALLY_HAS_FIELD(bpf_prog_info, attach_btf_id, *known);
  return Tracer{.replaces = replaces,
                .on_program = replaces || (known_object && info.attach_btf_obj_id == 0)};
}

// The traced function stands in the BTF object target_obj_id; where a program is traced, this is
// that program's id.
void TracedFunction(const Pass& pass, BtfNames& names, const bpf_link_info& info,
                    const Tracer& tracer, LinkDetails& details) {
  const auto& tracing = info.tracing;
  if (tracing.target_obj_id == 0) return;
  const auto types = tracer.on_program ? BtfOfProgram(pass, tracing.target_obj_id)
                                       : std::optional(uint32_t{tracing.target_obj_id});
  if (!types) return;
  auto name = names.TypeName(*types, tracing.target_btf_id);
  details.lasting = name.has_value();
  if (name) details.target = NonEmpty(std::move(*name));
}

void Tracing(const Pass& pass, BtfNames& names, const bpf_link_info& info, LinkDetails& details) {
  const auto tracer = AskTracer(pass, info.prog_id);
  if (tracer) TracedFunction(pass, names, info, *tracer, details);
  // A replacement has no attach type. The kernel says 0, which is another type's number, or from
  // 6.18 on whatever its owner attached it with.
  const bool replaces = tracer && tracer->replaces;
  if (!replaces && info.tracing.attach_type != 0) details.attach_type = info.tracing.attach_type;
}

std::optional<std::string> CgroupTarget(const Pass& pass, uint64_t id) {
  auto path = pass.sys.CgroupPath(id);
  return path ? NonEmpty(std::move(*path)) : std::nullopt;
}

}  // namespace

LinkDetails ReadLinkDetails(const Pass& pass, BtfNames& names, int fd, const bpf_link_info& info,
                            size_t known) {
  LinkDetails details;
  switch (info.type) {
    case BPF_LINK_TYPE_RAW_TRACEPOINT:
      details.target = RawTracepoint(pass, fd);
      break;
    case BPF_LINK_TYPE_TRACING:
      Tracing(pass, names, info, details);
      break;
    case BPF_LINK_TYPE_CGROUP:
      details.attach_type = info.cgroup.attach_type;
      details.target = CgroupTarget(pass, info.cgroup.cgroup_id);
      break;
    case BPF_LINK_TYPE_ITER:
      details.target = IteratorTarget(pass, fd);
      break;
    case BPF_LINK_TYPE_NETNS:
      details.attach_type = info.netns.attach_type;
      details.netns = info.netns.netns_ino;
      details.target = NetnsTarget(info.netns.netns_ino);
      break;
    case BPF_LINK_TYPE_NETFILTER:
      details.target =
          NetfilterTarget(info.netfilter.pf, info.netfilter.hooknum, info.netfilter.priority);
      break;
    case BPF_LINK_TYPE_KPROBE_MULTI:
      if (info.kprobe_multi.count == 0) break;  // before 6.6; a link has one function or more
      details.target_count = info.kprobe_multi.count;
      if (KnowsMissed(known)) details.missed = info.kprobe_multi.missed;
      break;
    case BPF_LINK_TYPE_UPROBE_MULTI:
      UprobeMulti(pass, fd, details);
      break;
    case BPF_LINK_TYPE_PERF_EVENT:
      PerfEvent(pass, fd, info.perf_event.type, details);
      break;
    case BPF_LINK_TYPE_TCX:
      details.attach_type = info.tcx.attach_type;
      break;
    case BPF_LINK_TYPE_NETKIT:
      details.attach_type = info.netkit.attach_type;
      break;
    case BPF_LINK_TYPE_SOCKMAP:
      details.attach_type = info.sockmap.attach_type;
      break;
    default:
      break;
  }
  return details;
}

std::optional<uint32_t> MapOfLink(const bpf_link_info& info) {
  if (info.type == BPF_LINK_TYPE_STRUCT_OPS) return info.struct_ops.map_id;
  if (info.type == BPF_LINK_TYPE_SOCKMAP) return info.sockmap.map_id;
  return std::nullopt;
}

std::string MapTarget(uint32_t id, const std::vector<MapInfo>& maps) {
  const auto found = std::ranges::lower_bound(maps, id, {}, &MapInfo::id);
  if (found != maps.end() && found->id == id && !found->name.empty()) return found->name;
  return fmt::format("map {}", id);
}

}  // namespace bpftally
