#include <algorithm>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "census/iterator_reader.h"
#include "census/link_details.h"
#include "census/link_target.h"
#include "census/object_part.h"
#include "census/parts.h"
#include "census_records.h"
#include "kernel/bpf_sys.h"
#include "kernel/object_info.h"

namespace bpftally {
namespace {

LinkInfo FromRecord(const link_record& record) {
  LinkInfo link{.id = record.id, .type = record.type, .program_id = record.program_id};
  if (record.known & LINK_KNOWS_ATTACH_TYPE) link.attach_type = record.attach_type;
  if (record.known & LINK_KNOWS_NETNS) link.netns = record.netns;
  if (record.known & LINK_KNOWS_COUNT) link.target_count = record.count;
  return link;
}

std::string_view TextOf(std::span<const std::byte> tail) {
  const std::string_view text(reinterpret_cast<const char*>(tail.data()), tail.size());
  return text.substr(0, text.find('\0'));
}

// Whether the missed count of a link grows in its life.
bool CountsMissed(const link_record& record) {
  return record.type == BPF_LINK_TYPE_KPROBE_MULTI ||
         (record.type == BPF_LINK_TYPE_PERF_EVENT && record.program_type == BPF_PROG_TYPE_KPROBE);
}

// The target as far as the record alone has its name.
std::optional<std::string> TargetOf(const link_record& record, std::string_view text,
                                    const std::vector<MapInfo>& maps) {
  if ((record.known & LINK_KNOWS_TEXT) && !text.empty()) return std::string(text);
  if (record.known & LINK_KNOWS_MAP) return MapTarget(record.map_id, maps);
  if (record.known & LINK_KNOWS_NETFILTER) {
    return NetfilterTarget(record.netfilter_pf, record.netfilter_hook, record.netfilter_priority);
  }
  if (record.type == BPF_LINK_TYPE_NETNS && (record.known & LINK_KNOWS_NETNS))
    return NetnsTarget(record.netns);
  // Of tracepoints and probes the event's type and config are no name.
  if ((record.known & LINK_KNOWS_PERF) && record.program_type == BPF_PROG_TYPE_PERF_EVENT) {
    return PerfEventTarget(record.perf_type, record.perf_config);
  }
  return std::nullopt;
}

// Whether bpf_link_info can tell what this record could not.
bool NeedsDetails(const link_record& record, const LinkInfo& link) {
  if (link.target) return CountsMissed(record);
  switch (record.type) {
    case BPF_LINK_TYPE_XDP:
    case BPF_LINK_TYPE_TCX:
    case BPF_LINK_TYPE_NETKIT:
      return false;  // its interface is gone
    default:
      return true;
  }
}

// Reads the links. Remembers the details that only a system call gives; they never change in a
// link's life, but for the missed count, which is read anew.
class LinksPart final : public ObjectPart {
 public:
  explicit LinksPart(const CensusContext& context) : ObjectPart(ObjectKind::kLink, context) {}

  void Forget(const Snapshot& snapshot) override { ForgetDead(constants_, snapshot.links); }

 private:
  struct Constant {
    uint32_t type = 0;  // tells a link from a later one with the same id
    LinkDetails details;
  };

  Result<void> WalkByIterator(const Pass& pass, int link_fd, Snapshot& snapshot) override;
  Result<void> WalkById(const Pass& pass, uint64_t& vanished, Snapshot& snapshot) override;
  uint32_t HighestId(const Snapshot& snapshot) const override {
    return HighestIdOf(snapshot.links);
  }
  void Finish(const Pass& pass, Snapshot& snapshot) override;

  Result<void> Add(const Pass& pass, const link_record& record, std::string_view text,
                   Snapshot& snapshot);
  Result<void> Visit(const Pass& pass, int fd, Snapshot& snapshot);
  // What the system call gives for a link that the iterator listed; empty where it is gone by now.
  Result<LinkDetails> Details(const Pass& pass, uint32_t id, uint32_t type);
  std::optional<std::string> CgroupPath(const Pass& pass, const link_record& record);

  std::vector<std::byte> buffer_;
  std::unordered_map<uint32_t, Constant> constants_;
};

Result<LinkDetails> LinksPart::Details(const Pass& pass, uint32_t id, uint32_t type) {
  if (auto in_time = pass.CheckDeadline(); !in_time) return std::unexpected(in_time.error());
  const auto fd = pass.sys.OpenById(ObjectKind::kLink, id);
  bpf_link_info info{};
  const auto known =
      fd ? GetInfo(pass.sys, fd->get(), info) : Result<size_t>(std::unexpected(fd.error()));
  if (!known) {
    if (known.error().kind == ErrorKind::kVanished) return LinkDetails{};
    return std::unexpected(known.error());
  }
  LinkDetails details = ReadLinkDetails(pass, context().names, fd->get(), info, *known);
  if (details.lasting) constants_.insert_or_assign(id, Constant{.type = type, .details = details});
  return details;
}

std::optional<std::string> LinksPart::CgroupPath(const Pass& pass, const link_record& record) {
  const auto found = constants_.find(record.id);
  if (found != constants_.end() && found->second.type == record.type)
    return found->second.details.target;
  auto path = pass.sys.CgroupPath(record.cgroup_id);
  if (!path) return std::nullopt;
  Constant constant{.type = record.type, .details = {}};
  constant.details.target = std::move(*path);
  return constants_.insert_or_assign(record.id, std::move(constant)).first->second.details.target;
}

Result<void> LinksPart::Add(const Pass& pass, const link_record& record, std::string_view text,
                            Snapshot& snapshot) {
  LinkInfo& link = snapshot.links.emplace_back(FromRecord(record));
  link.target = TargetOf(record, text, snapshot.maps);
  if (record.known & LINK_KNOWS_CGROUP) link.target = CgroupPath(pass, record);
  if (!pass.may_open || !NeedsDetails(record, link)) return {};
  const auto found = constants_.find(link.id);
  const bool fresh =
      found == constants_.end() || found->second.type != link.type || CountsMissed(record);
  auto details =
      fresh ? Details(pass, link.id, link.type) : Result<LinkDetails>(found->second.details);
  if (!details) return std::unexpected(details.error());
  if (!link.target) link.target = std::move(details->target);
  if (!link.attach_type) link.attach_type = details->attach_type;
  if (!link.target_count) link.target_count = details->target_count;
  if (!link.netns) link.netns = details->netns;
  link.missed = details->missed;
  return {};
}

Result<void> LinksPart::WalkByIterator(const Pass& pass, int link_fd, Snapshot& snapshot) {
  const auto stream = ReadIterator(pass, link_fd, buffer_);
  snapshot.links.reserve(stream.bytes.size() / sizeof(link_record));
  return ReadRecords<link_record>(stream,
                                  [&](const link_record& record, std::span<const std::byte> text) {
                                    return Add(pass, record, TextOf(text), snapshot);
                                  });
}

Result<void> LinksPart::Visit(const Pass& pass, int fd, Snapshot& snapshot) {
  if (auto in_time = pass.CheckDeadline(); !in_time) return in_time;
  bpf_link_info info{};
  const auto known = GetInfo(pass.sys, fd, info);
  if (!known) return std::unexpected(known.error());
  LinkDetails details = ReadLinkDetails(pass, context().names, fd, info, *known);
  LinkInfo link{.id = info.id, .type = info.type, .program_id = info.prog_id};
  link.attach_type = details.attach_type;
  link.target = std::move(details.target);
  link.netns = details.netns;
  link.target_count = details.target_count;
  link.missed = details.missed;
  if (const auto map = MapOfLink(info)) link.target = MapTarget(*map, snapshot.maps);
  snapshot.links.push_back(std::move(link));
  return {};
}

Result<void> LinksPart::WalkById(const Pass& pass, uint64_t& vanished, Snapshot& snapshot) {
  return WalkObjects(pass, ObjectKind::kLink, vanished,
                     [&](uint32_t, int fd) { return Visit(pass, fd, snapshot); });
}

void LinksPart::Finish(const Pass&, Snapshot& snapshot) {
  for (LinkInfo& link : snapshot.links)
    link.self = context().own_programs.contains(link.program_id);
}

}  // namespace

std::unique_ptr<CensusPart> MakeLinksPart(const CensusContext& context) {
  return std::make_unique<LinksPart>(context);
}

}  // namespace bpftally
