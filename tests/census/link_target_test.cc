#include "census/link_target.h"

#include <gtest/gtest.h>
#include <linux/netfilter.h>
#include <linux/perf_event.h>

namespace bpftally {
namespace {

TEST(PerfEventTargetTest, EveryType) {
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES), "hardware:cpu-cycles");
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_HARDWARE, PERF_COUNT_HW_REF_CPU_CYCLES),
            "hardware:ref-cycles");
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_HARDWARE, 999), "hardware:999");
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CPU_CLOCK), "software:cpu-clock");
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_CGROUP_SWITCHES),
            "software:cgroup-switches");
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_SOFTWARE, 0xffffffffffffffff),
            "software:18446744073709551615");
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_TRACEPOINT, 312), "tracepoint:312");
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_HW_CACHE, 0x10002), "hw-cache:0x10002");
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_RAW, 0x1c2), "raw:0x1c2");
  EXPECT_EQ(PerfEventTarget(PERF_TYPE_BREAKPOINT, 1), "breakpoint");
  EXPECT_EQ(PerfEventTarget(9, 0x20), "pmu_9:0x20");
}

TEST(ProbeTargetTest, PathsHaveAnOffsetAlwaysFunctionsIfAny) {
  EXPECT_EQ(ProbeTarget("/bin/x", 0x1130), "/bin/x:0x1130");
  EXPECT_EQ(ProbeTarget("/bin/x", 0), "/bin/x:0x0");
  EXPECT_EQ(ProbeTarget("do_exit", 0), "do_exit");
  EXPECT_EQ(ProbeTarget("do_exit", 16), "do_exit+0x10");
}

TEST(NetfilterTargetTest, NamesOrNumbers) {
  EXPECT_EQ(NetfilterTarget(NFPROTO_IPV4, NF_INET_LOCAL_IN, -128), "ipv4:input:-128");
  EXPECT_EQ(NetfilterTarget(NFPROTO_IPV6, NF_INET_POST_ROUTING, 0), "ipv6:postrouting:0");
  EXPECT_EQ(NetfilterTarget(NFPROTO_INET, NF_INET_INGRESS, 2147483647), "inet:ingress:2147483647");
  EXPECT_EQ(NetfilterTarget(4, 17, 1), "4:17:1");
}

TEST(NetnsTargetTest, AsProcSaysIt) { EXPECT_EQ(NetnsTarget(4026531840), "net:[4026531840]"); }

}  // namespace
}  // namespace bpftally
