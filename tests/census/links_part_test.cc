#include <linux/netfilter.h>
#include <linux/perf_event.h>

#include "census/reader_fixture.h"

namespace bpftally {
namespace {

constexpr uint32_t kXdp = 6, kNetfilter = 10, kTcx = 11, kNetkit = 13, kSockmap = 14;

// Links by iterator, and what the system call adds to them.
class LinksPartTest : public ReaderTest {
 protected:
  LinkInfo Only(const Snapshot& snapshot, uint32_t id) {
    EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kLink).complete);
    EXPECT_EQ(snapshot.StatusOf(ObjectKind::kLink).source, Source::kIterator);
    const LinkInfo* link = Find(snapshot.links, id);
    EXPECT_NE(link, nullptr);
    return link == nullptr ? LinkInfo{} : *link;
  }
  LinkInfo TakeLink(uint32_t id, SourceChoice source = SourceChoice::kIterator) {
    Start({.source = source});
    return Only(Take(), id);
  }
  FakeLink& AddKprobeMulti(uint32_t id) {
    FakeLink& link = AddLink(id, BPF_LINK_TYPE_KPROBE_MULTI);
    link.record.known = LINK_KNOWS_COUNT;
    link.record.count = 40;
    link.info.kprobe_multi.count = 40;
    return link;
  }
};

TEST_F(LinksPartTest, WhatARecordKnows) {
  FakeLink& link = AddLink(5, kXdp, 8);
  link.record.known = LINK_KNOWS_ATTACH_TYPE | LINK_KNOWS_NETNS;
  link.record.attach_type = BPF_XDP;
  link.record.netns = 4026531840;
  link.record_text = "eth0";
  EXPECT_TRUE(TakeLink(5) == (LinkInfo{.id = 5,
                                       .type = kXdp,
                                       .program_id = 8,
                                       .attach_type = BPF_XDP,
                                       .target = "eth0",
                                       .netns = 4026531840}));
  EXPECT_EQ(sys_.Calls(Method::kOpenById), 0);
}

TEST_F(LinksPartTest, WhatItDoesNotKnowIsAbsent) {
  FakeLink& link = AddLink(5, BPF_LINK_TYPE_PERF_EVENT, 8);
  link.record.attach_type = 41;
  link.record.netns = 1;
  link.record.count = 2;
  EXPECT_TRUE(TakeLink(5) ==
              (LinkInfo{.id = 5, .type = BPF_LINK_TYPE_PERF_EVENT, .program_id = 8}));
}

TEST_F(LinksPartTest, TextsOfEveryLength) {
  for (uint32_t length = 1; length <= 32; ++length)
    AddLink(length, kXdp).record_text = std::string(length, 'x');
  Start({.source = SourceChoice::kIterator});
  const Snapshot snapshot = Take();
  for (uint32_t length = 1; length <= 32; ++length)
    EXPECT_EQ(Only(snapshot, length).target, std::string(length, 'x'));
}

TEST_F(LinksPartTest, TargetsOutOfNumbers) {
  AddMap(11, BPF_MAP_TYPE_SOCKMAP, "my_sockets");
  AddLink(1, kSockmap).record = {.known = LINK_KNOWS_MAP, .map_id = 11};
  AddLink(2, BPF_LINK_TYPE_STRUCT_OPS, 0).record = {.known = LINK_KNOWS_MAP, .map_id = 12};
  AddLink(3, kNetfilter).record = {.known = LINK_KNOWS_NETFILTER | LINK_KNOWS_NETNS,
                                   .netns = 9,
                                   .netfilter_pf = NFPROTO_IPV6,
                                   .netfilter_hook = NF_INET_LOCAL_OUT,
                                   .netfilter_priority = -1};
  AddLink(4, BPF_LINK_TYPE_NETNS).record = {.known = LINK_KNOWS_NETNS, .netns = 4026531840};
  AddLink(5, BPF_LINK_TYPE_PERF_EVENT).record = {.known = LINK_KNOWS_PERF,
                                                 .program_type = BPF_PROG_TYPE_PERF_EVENT,
                                                 .perf_config = 0x1c2,
                                                 .perf_type = PERF_TYPE_RAW};
  AddLink(6, BPF_LINK_TYPE_PERF_EVENT).record = {.known = LINK_KNOWS_PERF,
                                                 .program_type = BPF_PROG_TYPE_TRACEPOINT,
                                                 .perf_config = 312,
                                                 .perf_type = PERF_TYPE_TRACEPOINT};
  Start({.source = SourceChoice::kIterator});
  const Snapshot snapshot = Take();
  EXPECT_EQ(Only(snapshot, 1).target, "my_sockets");
  EXPECT_EQ(Only(snapshot, 2).target, "map 12");
  EXPECT_EQ(Only(snapshot, 3).target, "ipv6:output:-1");
  EXPECT_EQ(Only(snapshot, 3).netns, 9u);
  EXPECT_EQ(Only(snapshot, 4).target, "net:[4026531840]");
  EXPECT_EQ(Only(snapshot, 5).target, "raw:0x1c2");
  EXPECT_EQ(Only(snapshot, 6).target, std::nullopt);
}

TEST_F(LinksPartTest, CgroupPathsAreAskedOnce) {
  FakeLink& link = AddLink(5, BPF_LINK_TYPE_CGROUP);
  link.record = {.known = LINK_KNOWS_CGROUP, .cgroup_id = 77};
  sys_.cgroups[77] = "/system.slice/x.service";
  EXPECT_EQ(TakeLink(5).target, "/system.slice/x.service");
  EXPECT_EQ(Only(Take(), 5).target, "/system.slice/x.service");
  EXPECT_EQ(sys_.Calls(Method::kCgroupPath), 1);
}

TEST_F(LinksPartTest, ACgroupThatIsGoneHasNoPath) {
  AddLink(5, BPF_LINK_TYPE_CGROUP).record = {.known = LINK_KNOWS_CGROUP, .cgroup_id = 77};
  sys_.links[5].info.cgroup.cgroup_id = 77;
  EXPECT_EQ(TakeLink(5).target, std::nullopt);
  EXPECT_EQ(TakeLink(5, SourceChoice::kAuto).target, std::nullopt);
}

TEST_F(LinksPartTest, SystemCallsAddWhatTheRecordLacksOnce) {
  FakeLink& link = AddLink(5, BPF_LINK_TYPE_PERF_EVENT);
  link.record = {.known = LINK_KNOWS_PERF,
                 .program_type = BPF_PROG_TYPE_TRACEPOINT,
                 .perf_config = 312,
                 .perf_type = PERF_TYPE_TRACEPOINT};
  link.info.perf_event.type = BPF_PERF_EVENT_TRACEPOINT;
  link.name = "sched_process_exec";
  EXPECT_EQ(TakeLink(5, SourceChoice::kAuto).target, "sched_process_exec");
  sys_.ForgetCalls();
  EXPECT_EQ(Only(Take(), 5).target, "sched_process_exec");
  // The fake's own iterator links have a name in their record no more than this one.
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kLink), 0);
}

TEST_F(LinksPartTest, AnInterfaceThatIsGoneIsNotAskedFor) {
  for (const uint32_t type : {kXdp, kTcx, kNetkit}) AddLink(type, type);
  Start();
  Take();
  for (const uint32_t type : {kXdp, kTcx, kNetkit})
    EXPECT_EQ(Only(Take(), type).target, std::nullopt);
  // Only the three links of the fake's iterators.
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kLink), 3);
}

TEST_F(LinksPartTest, MissedIsAskedAtEachPass) {
  FakeLink& link = AddKprobeMulti(5);
  link.info.kprobe_multi.missed = 3;
  EXPECT_EQ(TakeLink(5, SourceChoice::kAuto).missed, 3u);
  link.info.kprobe_multi.missed = 8;
  const LinkInfo second = Only(Take(), 5);
  EXPECT_EQ(second.missed, 8u);
  EXPECT_EQ(second.target_count, 40u);
}

TEST_F(LinksPartTest, MissedOfAKprobeWithANameIsAskedToo) {
  FakeLink& link = AddLink(5, BPF_LINK_TYPE_PERF_EVENT);
  link.record.program_type = BPF_PROG_TYPE_KPROBE;
  link.record_text = "do_exit";
  link.info.perf_event.type = BPF_PERF_EVENT_KPROBE;
  link.info.perf_event.kprobe.missed = 4;
  link.name = "another_word";
  const LinkInfo got = TakeLink(5, SourceChoice::kAuto);
  EXPECT_EQ(got.missed, 4u);
  EXPECT_EQ(got.target, "do_exit");
}

TEST_F(LinksPartTest, WithoutTheSystemCallMissedIsUnknown) {
  AddKprobeMulti(5);
  const LinkInfo link = TakeLink(5);
  EXPECT_EQ(link.missed, std::nullopt);
  EXPECT_EQ(link.target_count, 40u);
}

TEST_F(LinksPartTest, Fault02ALinkThatIsNotSettledIsListedByItsRecord) {
  AddKprobeMulti(5).info.kprobe_multi.missed = 3;
  sys_.Inject({.method = Method::kOpenById,
               .sys_errno = EAGAIN,
               .kind = ObjectKind::kLink,
               .id = 5,
               .times = 1});
  EXPECT_EQ(TakeLink(5, SourceChoice::kAuto).missed, std::nullopt);
  EXPECT_EQ(Only(Take(), 5).missed, 3u);
}

TEST_F(LinksPartTest, Fault02AnUnsettledLinkHasVanishedForTheIdWalk) {
  AddLink(5, BPF_LINK_TYPE_ITER);
  AddLink(6, BPF_LINK_TYPE_ITER);
  sys_.Inject({.method = Method::kOpenById,
               .sys_errno = EAGAIN,
               .kind = ObjectKind::kLink,
               .id = 5,
               .times = 1});
  Start({.source = SourceChoice::kSyscall});
  const Snapshot first = Take();
  EXPECT_TRUE(first.StatusOf(ObjectKind::kLink).complete);
  EXPECT_EQ(first.StatusOf(ObjectKind::kLink).vanished, 1u);
  EXPECT_THAT(Ids(first.links), ::testing::ElementsAre(6));
  EXPECT_THAT(Ids(Take().links), ::testing::ElementsAre(5, 6));
}

TEST_F(LinksPartTest, Fault04AnIdThatComesBackAsAnotherTypeIsAskedAnew) {
  FakeLink& link = AddLink(5, BPF_LINK_TYPE_RAW_TRACEPOINT);
  link.name = "sched_switch";
  EXPECT_EQ(TakeLink(5, SourceChoice::kAuto).target, "sched_switch");
  link.info.type = BPF_LINK_TYPE_ITER;
  link.name = "task";
  EXPECT_EQ(Only(Take(), 5).target, "task");
}

TEST_F(LinksPartTest, NothingIsRememberedOfTheDead) {
  Start();
  for (uint32_t id = 10; id < 110; ++id) {
    AddLink(id, BPF_LINK_TYPE_RAW_TRACEPOINT).name = "former";
    Take();
    sys_.links.erase(id);
  }
  for (uint32_t id = 10; id < 110; ++id) AddLink(id, BPF_LINK_TYPE_RAW_TRACEPOINT).name = "later";
  const Snapshot snapshot = Take();
  for (uint32_t id = 10; id < 109; ++id) EXPECT_EQ(Only(snapshot, id).target, "later") << id;
}

TEST_F(LinksPartTest, OutOfDescriptorsEndsTheWalkUntilTheNextPass) {
  AddKprobeMulti(5);
  AddKprobeMulti(6);
  Start();
  sys_.Inject(
      {.method = Method::kOpenById, .sys_errno = EMFILE, .kind = ObjectKind::kLink, .id = 6});
  const Snapshot first = Take();
  EXPECT_FALSE(first.StatusOf(ObjectKind::kLink).complete);
  EXPECT_EQ(first.StatusOf(ObjectKind::kLink).error->kind, ErrorKind::kExhausted);
  EXPECT_NE(Find(first.links, 5), nullptr);
  sys_.ClearFaults();
  EXPECT_TRUE(Take().StatusOf(ObjectKind::kLink).complete);
}

}  // namespace
}  // namespace bpftally
