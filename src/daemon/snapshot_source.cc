#include "daemon/snapshot_source.h"

#include <array>
#include <cerrno>
#include <fstream>
#include <utility>
#include <vector>

#include "host/processes.h"
#include "kernel/bpf_sys.h"
#include "kernel/real_bpf_sys.h"
#include "model/snapshot_yaml.h"

namespace bpftally {
namespace {

class KernelSource final : public SnapshotSource {
 public:
  KernelSource(std::unique_ptr<BpfSys> sys, std::unique_ptr<SnapshotReader> reader)
      : sys_(std::move(sys)), reader_(std::move(reader)) {}

  std::shared_ptr<const Snapshot> Take(std::chrono::steady_clock::time_point deadline) override {
    if (own_programs_) reader_->SetOwnPrograms(own_programs_());
    return reader_->Take(deadline);
  }
  void SetOwnPrograms(std::function<std::vector<uint32_t>()> ids) override {
    own_programs_ = std::move(ids);
  }

 private:
  const std::unique_ptr<BpfSys> sys_;  // first: the reader uses it
  const std::unique_ptr<SnapshotReader> reader_;
  std::function<std::vector<uint32_t>()> own_programs_;
};

// Replays the census of a file; the facts about the process are those of this one.
class ReplaySource final : public SnapshotSource {
 public:
  ReplaySource(Snapshot snapshot, std::unique_ptr<BpfSys> sys, int64_t boot_to_wall_ns)
      : snapshot_(std::move(snapshot)), sys_(std::move(sys)), boot_to_wall_ns_(boot_to_wall_ns) {}

  std::shared_ptr<const Snapshot> Take(std::chrono::steady_clock::time_point) override {
    auto snapshot = std::make_shared<Snapshot>(snapshot_);
    snapshot->process = ReadProcessInfo(*sys_, boot_to_wall_ns_);
    return snapshot;
  }

 private:
  const Snapshot snapshot_;
  const std::unique_ptr<BpfSys> sys_;
  const int64_t boot_to_wall_ns_;
};

// Reads a pipe as well, so that `bpftally dump | … --replay /dev/stdin` works.
Result<std::string> ReadWhole(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    Error error = ErrnoError(errno, "open");
    if (error.kind != ErrorKind::kPermission) error.kind = ErrorKind::kInvalid;
    return std::unexpected(std::move(error));
  }
  std::string text;
  std::array<char, 65536> block{};
  while (file.read(block.data(), block.size()) || file.gcount() > 0)
    text.append(block.data(), static_cast<size_t>(file.gcount()));
  if (file.bad()) return std::unexpected(Error{ErrorKind::kInvalid, EIO, "cannot be read"});
  return text;
}

}  // namespace

Result<std::unique_ptr<SnapshotSource>> OpenKernel(const ReaderOptions& options,
                                                   const Clock& clock) {
  auto sys = MakeRealBpfSys();
  auto reader = SnapshotReader::Create(*sys, clock, options);
  if (!reader) return std::unexpected(std::move(reader.error()));
  return std::make_unique<KernelSource>(std::move(sys), std::move(*reader));
}

Result<std::unique_ptr<SnapshotSource>> OpenReplay(const std::string& path, const Clock& clock) {
  const auto yaml = ReadWhole(path);
  if (!yaml) return std::unexpected(Wrap(yaml.error(), "--replay " + path));
  auto snapshot = SnapshotFromYaml(*yaml);
  // "file:line:column: what", as compilers say it
  if (!snapshot) {
    snapshot.error().message.insert(0, path + ":");
    return std::unexpected(std::move(snapshot.error()));
  }
  return std::make_unique<ReplaySource>(std::move(*snapshot), MakeRealBpfSys(),
                                        clock.WallNanoseconds() - clock.BootNanoseconds());
}

}  // namespace bpftally
