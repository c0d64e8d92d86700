#include "census/snapshot_reader.h"

#include <algorithm>
#include <limits>
#include <optional>
#include <unordered_set>
#include <utility>

#include "base/unique_fd.h"
#include "census/parts.h"
#include "host/processes.h"
#include "kernel/bpf_sys.h"

namespace bpftally {
namespace {

// The offset from time since boot to wall time. Preemption between the two reads makes it too
// small: take the largest of eight.
int64_t BootToWall(const Clock& clock) {
  int64_t largest = std::numeric_limits<int64_t>::min();
  for (int i = 0; i < 8; ++i) {
    const int64_t wall = clock.WallNanoseconds();
    largest = std::max(largest, wall - clock.BootNanoseconds());
  }
  return largest;
}

class Reader final : public SnapshotReader {
 public:
  Reader(BpfSys& sys, const Clock& clock, ReaderOptions options)
      : sys_(sys),
        clock_(clock),
        options_(options),
        boot_to_wall_ns_(BootToWall(clock)),
        names_(sys),
        parts_(MakeCensusParts(context_)) {}

  Result<void> Start();
  std::shared_ptr<const Snapshot> Take(std::chrono::steady_clock::time_point deadline) override;
  void SetOwnPrograms(std::vector<uint32_t> ids) override;

 private:
  Result<void> StartParts();

  BpfSys& sys_;
  const Clock& clock_;
  const ReaderOptions options_;
  // Fixed once: computed anew at each pass, load times would flap by a nanosecond's rounding.
  const int64_t boot_to_wall_ns_;
  bool may_open_ = false;
  UniqueFd run_stats_;
  std::unordered_set<uint32_t> own_programs_;
  BtfNames names_;
  FeatureList features_;
  const CensusContext context_{.sys = sys_,
                               .options = options_,
                               .own_programs = own_programs_,
                               .names = names_,
                               .features = features_};
  std::vector<std::unique_ptr<CensusPart>> parts_;
};

Result<void> Reader::Start() {
  may_open_ = sys_.NextId(ObjectKind::kProgram, 0).has_value() &&
              options_.source != SourceChoice::kIterator;
  auto started = StartParts();
  SetOwnPrograms({});
  if (options_.run_stats) {
    auto fd = sys_.EnableRunStats();
    if (!fd) return std::unexpected(fd.error());
    run_stats_ = std::move(*fd);
  }
  return started;
}

// Succeeds if one part does. Else the first one's error says what all of them lack.
Result<void> Reader::StartParts() {
  std::optional<Error> first_error;
  bool any_works = false;
  for (const auto& part : parts_) {
    const auto started = part->Start(may_open_);
    any_works |= started.has_value();
    if (!started && !first_error) first_error = started.error();
  }
  if (any_works || !first_error) return {};
  return std::unexpected(Wrap(*first_error, "cannot see any BPF object"));
}

void Reader::SetOwnPrograms(std::vector<uint32_t> ids) {
  own_programs_ = {ids.begin(), ids.end()};
  for (const auto& part : parts_)
    if (part->own_program() != 0) own_programs_.insert(part->own_program());
}

std::shared_ptr<const Snapshot> Reader::Take(std::chrono::steady_clock::time_point deadline) {
  auto snapshot = std::make_shared<Snapshot>();
  snapshot->taken_at_ns = clock_.WallNanoseconds();
  const Pass pass{.sys = sys_,
                  .clock = clock_,
                  .deadline = deadline,
                  .boot_to_wall_ns = boot_to_wall_ns_,
                  .may_open = may_open_};
  for (const auto& part : parts_)
    if (part->Read(pass, *snapshot)) part->Forget(*snapshot);
  names_.EndPass();
  snapshot->process = ReadProcessInfo(sys_, boot_to_wall_ns_);
  snapshot->features = features_.all();
  return snapshot;
}

}  // namespace

Result<std::unique_ptr<SnapshotReader>> SnapshotReader::Create(BpfSys& sys, const Clock& clock,
                                                               ReaderOptions options) {
  auto reader = std::make_unique<Reader>(sys, clock, options);
  if (auto started = reader->Start(); !started) return std::unexpected(started.error());
  return reader;
}

}  // namespace bpftally
