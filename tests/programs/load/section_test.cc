#include "programs/load/section.h"

#include <gmock/gmock.h>

namespace bpftally {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

TEST(SectionTest, APerfEventHasTypeConfigAndHowOften) {
  const auto section = ParseSection("perf_event/type=0,config=2,frequency=99");
  ASSERT_TRUE(section) << section.error().message;
  const auto& event = std::get<PerfEventSection>(*section);
  EXPECT_EQ(event.type, 0u);
  EXPECT_EQ(event.config, 2u);
  EXPECT_EQ(event.every, 99u);
  EXPECT_TRUE(event.frequency);
  const auto periodic = ParseSection("?perf_event/period=1000,type=1");
  ASSERT_TRUE(periodic) << periodic.error().message;
  EXPECT_FALSE(std::get<PerfEventSection>(*periodic).frequency);
  EXPECT_EQ(std::get<PerfEventSection>(*periodic).type, 1u);
}

TEST(SectionTest, AWrongPerfEventIsToldSo) {
  const auto message = [](std::string_view section) {
    const auto parsed = ParseSection(section);
    return parsed ? "" : parsed.error().message;
  };
  EXPECT_THAT(message("perf_event/type=0x1,frequency=9"), HasSubstr("decimal"));
  EXPECT_THAT(message("perf_event/type=1,config"), HasSubstr("\"config\": expected key=number"));
  EXPECT_THAT(message("perf_event/type=1"), HasSubstr("expected frequency=N or period=N"));
  EXPECT_THAT(message("perf_event/type=4294967296,frequency=1"), HasSubstr("no such type"));
  EXPECT_THAT(message("perf_event/confg=1,frequency=1"), HasSubstr("did you mean \"config\"?"));
  EXPECT_THAT(message("perf_event/frequency=99999999999999999999"), HasSubstr("expected key"));
}

TEST(SectionTest, InterfacesAreNamed) {
  const auto xdp = ParseSection("xdp/eth0");
  ASSERT_TRUE(xdp);
  EXPECT_EQ(std::get<InterfaceSection>(*xdp).interface, "eth0");
  EXPECT_EQ(std::get<InterfaceSection>(*xdp).hook, InterfaceSection::Hook::kXdp);
  const auto out = ParseSection("tc/egress/br-0");
  ASSERT_TRUE(out);
  EXPECT_EQ(std::get<InterfaceSection>(*out).hook, InterfaceSection::Hook::kEgress);
  EXPECT_FALSE(ParseSection("xdp/"));
  EXPECT_FALSE(ParseSection("xdp/a_name_of_16_byte"));
  EXPECT_FALSE(ParseSection("tcx/ingress/a/b"));
}

TEST(SectionTest, TheRestIsForLibbpf) {
  for (const char* name : {"xdp", "xdp/devmap", "perf_event", "tcx/ingress", "tc", "tp/a/b", ""}) {
    const auto section = ParseSection(name);
    ASSERT_TRUE(section) << name;
    EXPECT_TRUE(std::holds_alternative<OtherSection>(*section)) << name;
  }
}

}  // namespace
}  // namespace bpftally
