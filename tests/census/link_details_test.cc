#include "census/link_details.h"

#include <linux/netfilter.h>
#include <linux/perf_event.h>

#include "btf/btf_blob.h"
#include "census/reader_fixture.h"

namespace bpftally {
namespace {

constexpr uint32_t kXdp = 6, kNetfilter = 10, kTcx = 11, kUprobeMulti = 12, kNetkit = 13,
                   kSockmap = 14;
// Lengths of bpf_link_info.
constexpr size_t kOf66 = 48, kOf67 = 56, kOf68 = 64;

// Details of a link by system call alone.
class LinkDetailsTest : public ReaderTest {
 protected:
  LinkInfo TakeLink(uint32_t id) {
    Start({.source = SourceChoice::kSyscall});
    const Snapshot snapshot = Take();
    EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kLink).complete);
    const LinkInfo* link = Find(snapshot.links, id);
    EXPECT_NE(link, nullptr);
    return link == nullptr ? LinkInfo{} : *link;
  }

  // A link with a first answer, but no second one.
  LinkInfo TakeWithoutNames(uint32_t id) {
    sys_.Inject({.method = Method::kObjectInfo,
                 .sys_errno = ENOMEM,
                 .kind = ObjectKind::kLink,
                 .id = id,
                 .after = 1});
    return TakeLink(id);
  }

  FakeLink& AddPerfEvent(uint32_t kind, const char* name) {
    FakeLink& link = AddLink(5, BPF_LINK_TYPE_PERF_EVENT);
    link.info.perf_event.type = kind;
    link.name = name;
    return link;
  }
};

TEST_F(LinkDetailsTest, RawTracepoint) {
  AddLink(5, BPF_LINK_TYPE_RAW_TRACEPOINT, 8).name = "sched_switch";
  const LinkInfo link = TakeLink(5);
  EXPECT_EQ(link.target, "sched_switch");
  EXPECT_EQ(link.program_id, 8u);
  EXPECT_EQ(link.attach_type, std::nullopt);
  EXPECT_EQ(link.missed, std::nullopt);
  EXPECT_EQ(link.target_count, std::nullopt);
}

TEST_F(LinkDetailsTest, Iterator) {
  AddLink(5, BPF_LINK_TYPE_ITER).name = "bpf_map_elem";
  EXPECT_EQ(TakeLink(5).target, "bpf_map_elem");
}

TEST_F(LinkDetailsTest, NamesThatTheKernelDoesNotGiveAreAbsent) {
  for (const uint32_t type :
       {uint32_t{BPF_LINK_TYPE_RAW_TRACEPOINT}, uint32_t{BPF_LINK_TYPE_ITER}}) {
    AddLink(5, type).name = "";
    EXPECT_EQ(TakeLink(5).target, std::nullopt);
    AddLink(5, type).name = "name";
    EXPECT_EQ(TakeWithoutNames(5).target, std::nullopt);
    sys_.ClearFaults();
  }
}

TEST_F(LinkDetailsTest, Uprobe) {
  FakeLink& link = AddPerfEvent(BPF_PERF_EVENT_UPROBE, "/usr/bin/bash");
  link.info.perf_event.uprobe.offset = 0x1130;
  EXPECT_EQ(TakeLink(5).target, "/usr/bin/bash:0x1130");
  link.info.perf_event.type = BPF_PERF_EVENT_URETPROBE;
  EXPECT_EQ(TakeLink(5).target, "/usr/bin/bash:0x1130");
  EXPECT_EQ(TakeLink(5).missed, std::nullopt);
}

TEST_F(LinkDetailsTest, AUprobeOfADeletedFileHasNoName) {
  AddPerfEvent(BPF_PERF_EVENT_UPROBE, "");
  EXPECT_EQ(TakeLink(5).target, std::nullopt);
}

TEST_F(LinkDetailsTest, Kprobe) {
  FakeLink& link = AddPerfEvent(BPF_PERF_EVENT_KPROBE, "do_exit");
  link.info.perf_event.kprobe.missed = 7;
  EXPECT_EQ(TakeLink(5).target, "do_exit");
  link.info.perf_event.type = BPF_PERF_EVENT_KRETPROBE;
  link.info.perf_event.kprobe.offset = 16;
  EXPECT_EQ(TakeLink(5).target, "do_exit+0x10");
  EXPECT_EQ(TakeLink(5).missed, 7u);
}

TEST_F(LinkDetailsTest, KprobesBefore67DoNotCountMisses) {
  AddPerfEvent(BPF_PERF_EVENT_KPROBE, "do_exit");
  sys_.link_info_size = kOf66;
  const LinkInfo link = TakeLink(5);
  EXPECT_EQ(link.target, "do_exit");
  EXPECT_EQ(link.missed, std::nullopt);
  sys_.link_info_size = kOf67;
  EXPECT_EQ(TakeLink(5).missed, 0u);
}

TEST_F(LinkDetailsTest, AKprobeByAddressHasNoName) {
  FakeLink& link = AddPerfEvent(BPF_PERF_EVENT_KPROBE, "");
  link.info.perf_event.kprobe.missed = 7;
  EXPECT_EQ(TakeLink(5).target, std::nullopt);
  EXPECT_EQ(TakeLink(5).missed, 7u);
}

TEST_F(LinkDetailsTest, Tracepoint) {
  AddPerfEvent(BPF_PERF_EVENT_TRACEPOINT, "sched_process_exec");
  EXPECT_EQ(TakeLink(5).target, "sched_process_exec");
  EXPECT_EQ(TakeWithoutNames(5).target, std::nullopt);
}

TEST_F(LinkDetailsTest, Event) {
  FakeLink& link = AddPerfEvent(BPF_PERF_EVENT_EVENT, "");
  link.info.perf_event.event.type = PERF_TYPE_SOFTWARE;
  link.info.perf_event.event.config = PERF_COUNT_SW_CPU_CLOCK;
  EXPECT_EQ(TakeLink(5).target, "software:cpu-clock");
}

TEST_F(LinkDetailsTest, PerfEventsBefore66SayNothing) {
  AddPerfEvent(BPF_PERF_EVENT_UNSPEC, "");
  const LinkInfo link = TakeLink(5);
  EXPECT_EQ(link.target, std::nullopt);
  EXPECT_EQ(link.missed, std::nullopt);
}

TEST_F(LinkDetailsTest, KprobeMulti) {
  FakeLink& link = AddLink(5, BPF_LINK_TYPE_KPROBE_MULTI);
  link.info.kprobe_multi.count = 40;
  link.info.kprobe_multi.missed = 3;
  EXPECT_EQ(TakeLink(5).target_count, 40u);
  EXPECT_EQ(TakeLink(5).missed, 3u);
  EXPECT_EQ(TakeLink(5).target, std::nullopt);
}

TEST_F(LinkDetailsTest, KprobeMultiOfOldKernels) {
  FakeLink& link = AddLink(5, BPF_LINK_TYPE_KPROBE_MULTI);
  link.info.kprobe_multi.count = 40;
  sys_.link_info_size = kOf66;  // has the count
  EXPECT_EQ(TakeLink(5).target_count, 40u);
  EXPECT_EQ(TakeLink(5).missed, std::nullopt);
  link.info.kprobe_multi.count = 0;  // before 6.6: unknown
  EXPECT_EQ(TakeLink(5).target_count, std::nullopt);
  EXPECT_EQ(TakeLink(5).missed, std::nullopt);
}

TEST_F(LinkDetailsTest, UprobeMulti) {
  FakeLink& link = AddLink(5, kUprobeMulti);
  link.name = "/usr/lib/libc.so.6";
  link.info.uprobe_multi.count = 12;
  EXPECT_EQ(TakeLink(5).target, "/usr/lib/libc.so.6");
  EXPECT_EQ(TakeLink(5).target_count, 12u);
}

TEST_F(LinkDetailsTest, UprobeMultiBefore68SaysNothing) {
  AddLink(5, kUprobeMulti);
  sys_.link_info_size = kOf67;
  EXPECT_EQ(TakeLink(5).target, std::nullopt);
  EXPECT_EQ(TakeLink(5).target_count, std::nullopt);
  sys_.link_info_size = kOf68;
  EXPECT_EQ(TakeWithoutNames(5).target_count, std::nullopt);
}

TEST_F(LinkDetailsTest, Cgroup) {
  FakeLink& link = AddLink(5, BPF_LINK_TYPE_CGROUP);
  link.info.cgroup.cgroup_id = 77;
  link.info.cgroup.attach_type = BPF_CGROUP_INET_EGRESS;
  EXPECT_EQ(TakeLink(5).target, std::nullopt);  // the cgroup is gone
  EXPECT_EQ(TakeLink(5).attach_type, BPF_CGROUP_INET_EGRESS);
  sys_.cgroups[77] = "/system.slice/x.service";
  EXPECT_EQ(TakeLink(5).target, "/system.slice/x.service");
}

TEST_F(LinkDetailsTest, Netns) {
  FakeLink& link = AddLink(5, BPF_LINK_TYPE_NETNS);
  link.info.netns.netns_ino = 4026531840;
  link.info.netns.attach_type = BPF_FLOW_DISSECTOR;
  EXPECT_EQ(TakeLink(5).target, "net:[4026531840]");
  EXPECT_EQ(TakeLink(5).netns, 4026531840u);
  EXPECT_EQ(TakeLink(5).attach_type, BPF_FLOW_DISSECTOR);
}

TEST_F(LinkDetailsTest, Netfilter) {
  FakeLink& link = AddLink(5, kNetfilter);
  link.info.netfilter.pf = NFPROTO_IPV4;
  link.info.netfilter.hooknum = NF_INET_FORWARD;
  link.info.netfilter.priority = -5;
  EXPECT_EQ(TakeLink(5).target, "ipv4:forward:-5");
}

TEST_F(LinkDetailsTest, AnInterfaceIsNoNameWithoutItsNamespace) {
  AddLink(1, kXdp).info.xdp.ifindex = 2;
  AddLink(2, kTcx).info.tcx = {.ifindex = 2, .attach_type = 46};
  AddLink(3, kNetkit).info.netkit = {.ifindex = 2, .attach_type = 54};
  Start({.source = SourceChoice::kSyscall});
  const Snapshot snapshot = Take();
  for (const LinkInfo& link : snapshot.links) {
    EXPECT_EQ(link.target, std::nullopt) << link.id;
    EXPECT_EQ(link.netns, std::nullopt) << link.id;
  }
  EXPECT_EQ(snapshot.links.at(0).attach_type, std::nullopt);
  EXPECT_EQ(snapshot.links.at(1).attach_type, 46u);
  EXPECT_EQ(snapshot.links.at(2).attach_type, 54u);
}

TEST_F(LinkDetailsTest, MapsOfStructOpsAndSockmap) {
  AddMap(11, BPF_MAP_TYPE_STRUCT_OPS, "my_congestion");
  AddMap(12, BPF_MAP_TYPE_SOCKMAP, "");
  AddLink(1, BPF_LINK_TYPE_STRUCT_OPS, 0).info.struct_ops.map_id = 11;
  AddLink(2, kSockmap).info.sockmap = {.map_id = 12, .attach_type = BPF_SK_SKB_VERDICT};
  AddLink(3, BPF_LINK_TYPE_STRUCT_OPS, 0).info.struct_ops.map_id = 13;
  Start({.source = SourceChoice::kSyscall});
  const Snapshot snapshot = Take();
  EXPECT_EQ(snapshot.links.at(0).target, "my_congestion");
  EXPECT_EQ(snapshot.links.at(0).program_id, 0u);
  EXPECT_EQ(snapshot.links.at(1).target, "map 12");
  EXPECT_EQ(snapshot.links.at(1).attach_type, BPF_SK_SKB_VERDICT);
  EXPECT_EQ(snapshot.links.at(2).target, "map 13");
}

TEST_F(LinkDetailsTest, OfATypeOfTomorrowOnlyTheIds) {
  AddLink(5, 4711, 3);
  const LinkInfo link = TakeLink(5);
  EXPECT_TRUE(link == (LinkInfo{.id = 5, .type = 4711, .program_id = 3}));
}

class TracingTargetTest : public LinkDetailsTest {
 protected:
  static constexpr uint32_t kTracer = 1, kTraced = 2, kKernelBtf = 70, kTracedBtf = 71;

  TracingTargetTest() {
    BtfBlob kernel, traced;
    kernel.Function("padding");  // so that the ids in the two differ
    kernel_function_ = kernel.Function("tcp_v4_connect");
    traced_function_ = traced.Function("handle_packet");
    sys_.btf[kKernelBtf].data = kernel.Bytes();
    sys_.btf[kTracedBtf].data = traced.Bytes();
    AddProgram(kTracer).info.type = BPF_PROG_TYPE_TRACING;
    AddProgram(kTraced).info.btf_id = kTracedBtf;
  }

  LinkInfo Trace(uint32_t object, uint32_t type_id) {
    FakeLink& link = AddLink(5, BPF_LINK_TYPE_TRACING, kTracer);
    link.info.tracing = {
        .attach_type = BPF_TRACE_FENTRY, .target_obj_id = object, .target_btf_id = type_id};
    return TakeLink(5);
  }

  uint32_t kernel_function_ = 0;
  uint32_t traced_function_ = 0;
};

TEST_F(TracingTargetTest, FunctionOfTheKernel) {
  sys_.programs[kTracer].info.attach_btf_obj_id = kKernelBtf;
  const LinkInfo link = Trace(kKernelBtf, kernel_function_);
  EXPECT_EQ(link.target, "tcp_v4_connect");
  EXPECT_EQ(link.attach_type, BPF_TRACE_FENTRY);
}

TEST_F(TracingTargetTest, ProgramThatIsTraced) {
  EXPECT_EQ(Trace(kTraced, traced_function_).target, "handle_packet");
}

TEST_F(TracingTargetTest, ProgramThatIsExtended) {
  sys_.programs[kTracer].info.type = BPF_PROG_TYPE_EXT;
  sys_.program_info_size = offsetof(bpf_prog_info, verified_insns);
  EXPECT_EQ(Trace(kTraced, traced_function_).target, "handle_packet");
}

TEST_F(TracingTargetTest, AReplacementHasNoAttachType) {
  sys_.programs[kTracer].info.type = BPF_PROG_TYPE_EXT;
  EXPECT_EQ(Trace(kTraced, traced_function_).attach_type, std::nullopt);
  sys_.links[5].info.tracing.attach_type = 0;
  EXPECT_EQ(TakeLink(5).attach_type, std::nullopt);
  sys_.programs.erase(kTracer);  // 0 is no tracing program's, whatever it was
  EXPECT_EQ(TakeLink(5).attach_type, std::nullopt);
}

TEST_F(TracingTargetTest, KernelsBefore60AreTakenToTraceThemselves) {
  sys_.program_info_size = offsetof(bpf_prog_info, attach_btf_obj_id);
  EXPECT_EQ(Trace(kKernelBtf, kernel_function_).target, "tcp_v4_connect");
}

TEST_F(TracingTargetTest, AFailedLookUpIsMadeGoodAtTheNextPass) {
  Trace(kTraced, traced_function_);
  sys_.Inject({.method = Method::kOpenById, .sys_errno = EMFILE, .kind = ObjectKind::kBtf});
  Start({.source = SourceChoice::kAuto});
  EXPECT_EQ(Find(Take().links, 5)->target, std::nullopt);
  sys_.ClearFaults();
  EXPECT_EQ(Find(Take().links, 5)->target, "handle_packet");
}

TEST_F(TracingTargetTest, NoTypesAreReadWhenTheTimeIsOver) {
  Trace(kTraced, traced_function_);
  sys_.links[6] = sys_.links[5];
  sys_.links[6].info.tracing.target_obj_id = kKernelBtf;
  for (const SourceChoice source : {SourceChoice::kAuto, SourceChoice::kSyscall}) {
    Start({.source = source});
    clock_.step = std::chrono::nanoseconds(0);
    sys_.ForgetCalls();
    sys_.after_call = [&](const Call& call) {
      if (call.method == Method::kOpenById && call.kind == ObjectKind::kBtf)
        clock_.step = std::chrono::hours(2);
    };
    EXPECT_FALSE(Take().StatusOf(ObjectKind::kLink).complete);
    EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kBtf), 1);
  }
}

TEST_F(TracingTargetTest, WhatIsGoneHasNoName) {
  EXPECT_EQ(Trace(0, 0).target, std::nullopt);  // before 5.13
  sys_.programs[kTraced].info.btf_id = 0;
  EXPECT_EQ(Trace(kTraced, traced_function_).target, std::nullopt);
  sys_.programs.erase(kTraced);
  EXPECT_EQ(Trace(kTraced, traced_function_).target, std::nullopt);
  sys_.programs.erase(kTracer);
  EXPECT_EQ(Trace(kKernelBtf, kernel_function_).target, std::nullopt);
}

TEST_F(TracingTargetTest, IsNotGuessedWhenTheTracerCannotBeAsked) {
  // As a BTF object, the traced program's id would give another function's name.
  sys_.btf[kTraced].data = sys_.btf[kKernelBtf].data;
  sys_.Inject({.method = Method::kOpenById,
               .sys_errno = ENOMEM,
               .kind = ObjectKind::kProgram,
               .id = kTracer,
               .after = 1});
  EXPECT_EQ(Trace(kTraced, traced_function_).target, std::nullopt);
}

TEST(MapTargetTest, NameOrNumber) {
  const std::vector<MapInfo> maps = {{.id = 3, .name = "three"}, {.id = 7, .name = ""}};
  EXPECT_EQ(MapTarget(3, maps), "three");
  EXPECT_EQ(MapTarget(7, maps), "map 7");
  EXPECT_EQ(MapTarget(5, maps), "map 5");
  EXPECT_EQ(MapTarget(9, maps), "map 9");
  EXPECT_EQ(MapTarget(1, {}), "map 1");
}

}  // namespace
}  // namespace bpftally
