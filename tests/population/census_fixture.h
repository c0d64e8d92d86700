#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "census/snapshot_reader.h"
#include "kernel/bpf_sys.h"
#include "kernel/real_bpf_sys.h"

namespace bpftally {

// Fixture of tests that read this machine's kernel.
class CensusTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "root is missing: the test loads BPF programs";
  }

  std::unique_ptr<SnapshotReader> Reader(ReaderOptions options) {
    auto reader = SnapshotReader::Create(*sys_, SystemClock(), options);
    if (!reader) {
      ADD_FAILURE() << reader.error().message;
      return nullptr;
    }
    return std::move(*reader);
  }

  Snapshot Take(ReaderOptions options) {
    const auto reader = Reader(options);
    return reader ? TakeFrom(*reader) : Snapshot{};
  }

  static Snapshot TakeFrom(SnapshotReader& reader) {
    return *reader.Take(SystemClock().Now() + std::chrono::seconds(60));
  }

  template <typename Info>
  static const Info* FindId(const std::vector<Info>& all, uint32_t id) {
    const auto found = std::ranges::find(all, id, &Info::id);
    return found == all.end() ? nullptr : &*found;
  }

  const std::unique_ptr<BpfSys> sys_ = MakeRealBpfSys();
};

inline std::string SourceOfTest(const ::testing::TestParamInfo<SourceChoice>& parameter) {
  switch (parameter.param) {
    case SourceChoice::kIterator:
      return "Iterator";
    case SourceChoice::kSyscall:
      return "Syscall";
    case SourceChoice::kAuto:
      break;
  }
  return "Auto";
}

}  // namespace bpftally
