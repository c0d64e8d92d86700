#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <memory>
#include <string_view>
#include <vector>

#include "census/snapshot_reader.h"
#include "census/walk.h"
#include "kernel/fake_bpf_sys.h"

namespace bpftally {

inline constexpr const char* kStatsSysctl = "/proc/sys/kernel/bpf_stats_enabled";

template <size_t kSize>
void SetName(char (&name)[kSize], std::string_view text) {
  std::memset(name, 0, kSize);
  std::memcpy(name, text.data(), std::min(text.size(), kSize - 1));
}

template <typename Info>
const Info* Find(const std::vector<Info>& objects, uint32_t id) {
  const auto found = std::ranges::find(objects, id, &Info::id);
  return found == objects.end() ? nullptr : &*found;
}

template <typename Info>
std::vector<uint32_t> Ids(const std::vector<Info>& objects) {
  std::vector<uint32_t> ids;
  for (const Info& object : objects) ids.push_back(object.id);
  return ids;
}

// A reader on a fake kernel in which run statistics are off.
class ReaderTest : public ::testing::Test {
 protected:
  ReaderTest() { sys_.files[kStatsSysctl] = "0\n"; }

  FakeProgram& AddProgram(uint32_t id, std::string_view name = "program") {
    FakeProgram& program = sys_.programs[id];
    program.info.type = BPF_PROG_TYPE_KPROBE;
    program.info.load_time = 1000 + id;
    SetName(program.info.name, name);
    return program;
  }
  FakeMap& AddMap(uint32_t id, uint32_t type = BPF_MAP_TYPE_HASH, std::string_view name = "map") {
    FakeMap& map = sys_.maps[id];
    map.info.type = type;
    map.info.key_size = 4;
    map.info.value_size = 8;
    map.info.max_entries = 100;
    SetName(map.info.name, name);
    return map;
  }
  FakeLink& AddLink(uint32_t id, uint32_t type, uint32_t program = 1) {
    FakeLink& link = sys_.links[id];
    link.info.type = type;
    link.info.prog_id = program;
    return link;
  }

  void Start(ReaderOptions options = {}) {
    reader_.reset();
    auto made = SnapshotReader::Create(sys_, clock_, options);
    ASSERT_TRUE(made) << made.error().message;
    reader_ = std::move(*made);
  }

  // Nothing of anybody's stays open behind a pass.
  Snapshot Take(std::chrono::nanoseconds within = std::chrono::hours(1)) {
    Snapshot snapshot = *reader_->Take(clock_.After(within));
    EXPECT_EQ(sys_.OpenObjects(), 0u);
    return snapshot;
  }

  // A pass of its own, for what is tested below the reader.
  Pass MakePass() {
    return {.sys = sys_,
            .clock = clock_,
            .deadline = clock_.After(std::chrono::hours(1)),
            .boot_to_wall_ns = 0,
            .may_open = true};
  }

  FakeBpfSys sys_;
  TickingClock clock_;
  std::unique_ptr<SnapshotReader> reader_;
};

// The same test on both sources.
class BothSourcesTest : public ReaderTest, public ::testing::WithParamInterface<SourceChoice> {};

inline std::string SourceChoiceName(const ::testing::TestParamInfo<SourceChoice>& info) {
  switch (info.param) {
    case SourceChoice::kAuto:
      return "auto";
    case SourceChoice::kIterator:
      return "iterator";
    case SourceChoice::kSyscall:
      break;
  }
  return "syscall";
}

}  // namespace bpftally
