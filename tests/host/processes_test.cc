#include "host/processes.h"

#include <unistd.h>

#include "census/reader_fixture.h"

namespace bpftally {
namespace {

class ProcessInfoTest : public ReaderTest {};

// Fields 3 to 24 of proc(5), almost all with different numbers.
constexpr const char* kFields =
    " S 1 2 3 4 5 6 7 8 9 10 250 150 13 14 20 0 6 0 12300 1048576 25 18446744073709551615\n";

TEST_F(ProcessInfoTest, ReadsBehindAnyName) {
  const auto ticks = static_cast<double>(::sysconf(_SC_CLK_TCK));
  for (const char* name : {"(bpftally)", "(a) b) S 9 (c)", "()"}) {
    sys_.files["/proc/self/stat"] = std::string("4711 ") + name + kFields;
    const ProcessInfo info = ReadProcessInfo(sys_, 2'000'000'000);
    EXPECT_EQ(info.cpu_seconds, (250 + 150) / ticks) << name;
    EXPECT_EQ(info.threads, 6u);
    EXPECT_EQ(info.start_time_seconds, 12300 / ticks + 2.0);
    EXPECT_EQ(info.virtual_bytes, 1048576u);
    EXPECT_EQ(info.resident_bytes, 25 * static_cast<uint64_t>(::sysconf(_SC_PAGESIZE)));
    EXPECT_EQ(info.open_fds, 7u);
    EXPECT_TRUE(info.max_fds);
  }
}

TEST_F(ProcessInfoTest, WhatCannotBeReadIsAbsent) {
  sys_.Inject({.method = Method::kOpenFdCount, .sys_errno = EMFILE});
  for (const char* stat : {"", "4711 (bpftally", "4711 (bpftally) S 1 2 3"}) {
    sys_.files["/proc/self/stat"] = stat;
    const ProcessInfo info = ReadProcessInfo(sys_, 0);
    EXPECT_EQ(info.cpu_seconds, std::nullopt) << stat;
    EXPECT_EQ(info.resident_bytes, std::nullopt);
    EXPECT_EQ(info.open_fds, std::nullopt);
  }
  sys_.files.erase("/proc/self/stat");
  EXPECT_EQ(ReadProcessInfo(sys_, 0).cpu_seconds, std::nullopt);
}

}  // namespace
}  // namespace bpftally
