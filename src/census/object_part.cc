#include "census/object_part.h"

#include <linux/bpf.h>

#include "kernel/bpf_sys.h"
#include "kernel/object_info.h"

namespace bpftally {
namespace {

Result<UniqueFd> LoadIterator(BpfSys& sys, ObjectKind kind) {
  auto link = sys.LoadIterator(kind, true);
  // Under lockdown=confidentiality a kernel before 6.2 refuses what reads memory; without it, less
  // is known.
  return link || link.error().kind == ErrorKind::kPermission ? std::move(link)
                                                             : sys.LoadIterator(kind, false);
}

}  // namespace

Result<void> ObjectPart::Start(bool may_open) {
  auto chosen = ChooseSource();
  if (!chosen) error_ = chosen.error();
  if (kind_ != ObjectKind::kBtf)  // no kernel has an iterator over BTF objects
    context_.features.Note(ObjectKindName(kind_), "iterator", source_ == Source::kIterator);
  context_.features.Note(ObjectKindName(kind_), "syscall", may_open);
  return chosen;
}

Result<void> ObjectPart::ChooseSource() {
  const SourceChoice choice = context_.options.source;
  Result<void> iterator;
  if (choice != SourceChoice::kSyscall) {
    iterator = StartIterator();
    if (iterator || choice == SourceChoice::kIterator) return iterator;
  }
  const auto next = context_.sys.NextId(kind_, 0);
  if (next) {
    source_ = Source::kSyscall;
    return {};
  }
  // The iterator's error says more, since it needs less than the system call.
  if (!iterator && kind_ != ObjectKind::kBtf) return iterator;
  return std::unexpected(next.error());
}

Result<void> ObjectPart::StartIterator() {
  auto link = LoadIterator(context_.sys, kind_);
  if (!link) return std::unexpected(link.error());
  source_ = Source::kIterator;
  iterator_ = std::move(*link);
  bpf_link_info info{};
  if (GetInfo(context_.sys, iterator_.get(), info)) own_program_ = info.prog_id;
  return {};
}

Result<void> ObjectPart::Read(const Pass& pass, Snapshot& snapshot) {
  KindStatus& status = snapshot.StatusOf(kind_);
  status.source = source_;
  auto walked = Walk(pass, snapshot);
  status.complete = walked.has_value();
  if (!walked) status.error = walked.error();
  CountCreated(HighestId(snapshot), status);
  Finish(pass, snapshot);
  return walked;
}

Result<void> ObjectPart::Walk(const Pass& pass, Snapshot& snapshot) {
  switch (source_) {
    case Source::kIterator:
      return WalkByIterator(pass, iterator_.get(), snapshot);
    case Source::kSyscall:
      return WalkById(pass, snapshot.StatusOf(kind_).vanished, snapshot);
    case Source::kNone:
      break;
  }
  return std::unexpected(*error_);
}

// Ids are given out in ascending order (idr_alloc_cyclic), so the growth of the highest one is the
// number of new objects. Only a whole walk gives the first highest id: what a part of a walk missed
// is not new.
void ObjectPart::CountCreated(uint32_t highest, KindStatus& status) {
  if (!created_ && !status.complete) return;
  if (!created_) created_ = {highest, 0};
  if (highest > created_->highest_id)
    created_ = {highest, created_->count + (highest - created_->highest_id)};
  status.created = created_->count;
}

}  // namespace bpftally
