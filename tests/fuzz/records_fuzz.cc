// What the kernel's iterators write: any bytes, in reads of any size, and the census made of them.

#include <array>
#include <chrono>
#include <cstring>
#include <map>
#include <vector>

#include "census/snapshot_reader.h"
#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_input.h"
#include "kernel/fake_bpf_sys.h"
#include "model/snapshot_yaml.h"

namespace bpftally {
namespace {

std::vector<std::byte> Bytes(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return bytes;
}

// How many records there are before the first that is none.
size_t WholeRecords(std::span<const std::byte> stream, size_t head_size) {
  size_t count = 0;
  for (; stream.size() >= sizeof(uint32_t); ++count) {
    uint32_t size = 0;
    std::memcpy(&size, stream.data(), sizeof size);
    if (size < head_size || size > stream.size()) break;
    stream = stream.subspan(size);
  }
  return count;
}

void Check(FuzzInput input) {
  FakeBpfSys sys;
  sys.read_size = 1 + 16 * input.Below(256);
  const bool may_open = input.Flip();
  constexpr size_t kMost = 4096;
  std::map<ObjectKind, std::vector<std::byte>> streams;
  for (const ObjectKind kind : {ObjectKind::kProgram, ObjectKind::kMap, ObjectKind::kLink})
    streams[kind] = Bytes(input.Text(kMost));
  sys.bend_stream = [&](ObjectKind kind, std::vector<std::byte>& out) { out = streams.at(kind); };
  if (!may_open) sys.Inject({.method = Method::kOpenById, .sys_errno = EPERM});

  const TickingClock clock;
  auto reader = SnapshotReader::Create(sys, clock, {.source = SourceChoice::kIterator});
  Require(reader.has_value(), "the reader starts");
  const Snapshot snapshot = *(*reader)->Take(clock.After(std::chrono::hours(1)));
  const auto most = [&](ObjectKind kind, size_t head) { return WholeRecords(streams[kind], head); };
  Require(snapshot.programs.size() <= most(ObjectKind::kProgram, sizeof(program_record)) &&
              snapshot.maps.size() <= most(ObjectKind::kMap, sizeof(map_record)) &&
              snapshot.links.size() <= most(ObjectKind::kLink, sizeof(link_record)),
          "no more objects than records");
  Require(sys.OpenObjects() == 0, "nothing stays open");
  Require(!SnapshotToYaml(snapshot).empty(), "it can be written");
}

}  // namespace
}  // namespace bpftally

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpftally::Check({data, size});
  return 0;
}
