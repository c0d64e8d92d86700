#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/unique_fd.h"
#include "census/census_part.h"

namespace bpftally {

// The part of one kind of object: chooses between an iterator and the walk over ids, fills in the
// kind's status, and counts the objects that were made since it started.
class ObjectPart : public CensusPart {
 public:
  std::string_view name() const final { return ObjectKindName(kind_); }
  Result<void> Start(bool may_open) final;
  Result<void> Read(const Pass& pass, Snapshot& snapshot) final;
  uint32_t own_program() const final { return own_program_; }

 protected:
  // `context` must outlive the part.
  ObjectPart(ObjectKind kind, const CensusContext& context) : context_(context), kind_(kind) {}

  const CensusContext& context() const { return context_; }
  Source source() const { return source_; }

 private:
  // Both add objects by ascending id. An object that cannot be read does not end the walk: the
  // first error is returned at its end.
  virtual Result<void> WalkByIterator(const Pass& pass, int link_fd, Snapshot& snapshot) = 0;
  virtual Result<void> WalkById(const Pass& pass, uint64_t& vanished, Snapshot& snapshot) = 0;

  // The highest id in the snapshot; 0 where there is none.
  virtual uint32_t HighestId(const Snapshot& snapshot) const = 0;

  // Completes the objects after their walk, even if it failed: marks those of this process, and
  // notes the features that they show.
  virtual void Finish(const Pass& pass, Snapshot& snapshot) = 0;

  Result<void> ChooseSource();
  Result<void> StartIterator();
  Result<void> Walk(const Pass& pass, Snapshot& snapshot);
  void CountCreated(uint32_t highest, KindStatus& status);

  struct Created {
    uint32_t highest_id = 0;
    uint64_t count = 0;
  };

  const CensusContext& context_;
  const ObjectKind kind_;
  Source source_ = Source::kNone;
  UniqueFd iterator_;           // our link, with Source::kIterator
  uint32_t own_program_ = 0;    // the iterator's
  std::optional<Error> error_;  // with Source::kNone
  std::optional<Created> created_;
};

template <typename Info>
uint32_t HighestIdOf(const std::vector<Info>& objects) {
  return objects.empty() ? 0 : objects.back().id;
}

}  // namespace bpftally
