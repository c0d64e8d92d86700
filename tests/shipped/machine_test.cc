// What depends on the machine's hardware.

#include <gmock/gmock.h>
#include <linux/perf_event.h>
#include <sys/syscall.h>

#include <numeric>
#include <vector>

#include "base/unique_fd.h"
#include "shipped/program_under_test.h"

namespace bpftally {
namespace {

using testing::HasSubstr;

bool CountsCacheMisses() {
  perf_event_attr attributes = {};
  attributes.size = sizeof(attributes);
  attributes.type = PERF_TYPE_HARDWARE;
  attributes.config = PERF_COUNT_HW_CACHE_MISSES;
  const UniqueFd event(
      static_cast<int>(syscall(SYS_perf_event_open, &attributes, 0, -1, -1, PERF_FLAG_FD_CLOEXEC)));
  return static_cast<bool>(event);
}

// Where the machine does not count, the exporter serves and says so.
TEST_F(Shipped, Llcstat) {
  ProgramUnderTest program("llcstat");
  ASSERT_TRUE(program.serves()) << program.log();
  if (!CountsCacheMisses()) {
    EXPECT_THAT(program.log(), HasSubstr("cache_missed"));
    EXPECT_THAT(program.log(), HasSubstr("virtual machines often have no hardware ones"));
    EXPECT_EQ(program.Value("llc_misses_total"), 0);
    GTEST_SKIP() << "this machine counts no cache misses: only the report was tested";
  }
  std::vector<int> much(size_t{64} << 20);  // more than the cache holds
  EXPECT_EQ(std::accumulate(much.begin(), much.end(), 0), 0);
  EXPECT_GE(program.Growth("llc_misses_total", {}, 0, 1), 1);
  EXPECT_GE(program.Growth("llc_references_total", {{"cpu", "0"}}, 0, 1), 1);
}

}  // namespace
}  // namespace bpftally
