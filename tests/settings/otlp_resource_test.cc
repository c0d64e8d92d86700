#include "settings/otlp_resource.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <string>
#include <vector>

#include "settings/uuid.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Variables = std::map<std::string, std::string>;
using AttributeMap = std::map<std::string, std::string>;

constexpr const char* kMachineId = "0123456789abcdef0123456789abcdef";

HostFacts Host() {
  return {.version = "1.2.3",
          .machine_id = kMachineId,
          .name = "pc",
          .machine = "x86_64",
          .kernel_release = "6.1.0",
          .os_description = "Debian GNU/Linux 12 (bookworm)"};
}

struct Made {
  AttributeMap attributes;
  std::vector<std::string> warnings;
};

Made Make(const HostFacts& host, const Variables& variables = {}) {
  const Environment environment = [&](const char* name) {
    const auto found = variables.find(name);
    return found == variables.end() ? nullptr : found->second.c_str();
  };
  Made made;
  const OtlpAttributes attributes = MakeOtlpResource(host, environment, made.warnings);
  made.attributes = {attributes.begin(), attributes.end()};
  EXPECT_EQ(made.attributes.size(), attributes.size()) << "a key is there twice";
  return made;
}

TEST(OtlpResourceTest, SaysWhatTheHostIs) {
  AttributeMap attributes = Make(Host()).attributes;
  const std::regex uuid("[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}");
  EXPECT_TRUE(std::regex_match(attributes["host.id"], uuid)) << attributes["host.id"];
  EXPECT_TRUE(std::regex_match(attributes["service.instance.id"], uuid));
  EXPECT_NE(attributes["host.id"], attributes["service.instance.id"]);
  attributes.erase("host.id");
  attributes.erase("service.instance.id");
  EXPECT_EQ(attributes, (AttributeMap{{"service.name", "bpftally"},
                                      {"service.version", "1.2.3"},
                                      {"host.name", "pc"},
                                      {"host.arch", "amd64"},
                                      {"os.type", "linux"},
                                      {"os.description", "Debian GNU/Linux 12 (bookworm)"},
                                      {"os.version", "6.1.0"}}));
}

TEST(OtlpResourceTest, IdsAreOfTheMachineAndTheService) {
  const auto id = [](const HostFacts& host, const Variables& variables) {
    return Make(host, variables).attributes.at("service.instance.id");
  };
  HostFacts renamed = Host();
  renamed.name = "laptop";
  EXPECT_EQ(id(Host(), {}), id(renamed, {}));
  EXPECT_NE(id(Host(), {}), id(Host(), {{"OTEL_SERVICE_NAME", "other"}}));
  HostFacts other = Host();
  other.machine_id[0] = 'f';
  EXPECT_NE(id(Host(), {}), id(other, {}));
  EXPECT_EQ(id(Host(), {{"OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=mine"}}), "mine");
}

TEST(OtlpResourceTest, WithoutAMachineIdTheNodeOrTheNameStandsForIt) {
  HostFacts host = Host();
  host.machine_id.clear();
  const AttributeMap by_name = Make(host).attributes;
  EXPECT_FALSE(by_name.contains("host.id"));
  host.name = "other";
  const AttributeMap by_other_name = Make(host).attributes;
  EXPECT_NE(by_name.at("service.instance.id"), by_other_name.at("service.instance.id"));
  const AttributeMap by_node = Make(host, {{"NODE_NAME", "node"}}).attributes;
  host.name = "pod-that-changes";
  EXPECT_EQ(by_node.at("service.instance.id"),
            Make(host, {{"NODE_NAME", "node"}}).attributes.at("service.instance.id"));
}

TEST(OtlpResourceTest, NothingShowsTheMachineId) {
  for (const auto& [key, value] : Make(Host()).attributes)
    EXPECT_EQ(value.find("0123456789"), std::string::npos) << key;
}

TEST(OtlpResourceTest, WhatIsNotKnownIsNotThere) {
  const AttributeMap attributes = Make({}).attributes;
  EXPECT_EQ(attributes.size(), 3U);  // service.name and .instance.id, os.type
  EXPECT_EQ(attributes.at("service.name"), "bpftally");
}

TEST(OtlpResourceTest, KubernetesByEitherName) {
  AttributeMap attributes = Make(Host(), {{"K8S_NODE_NAME", "n"},
                                          {"NODE_NAME", "not this"},
                                          {"POD_NAME", "p"},
                                          {"POD_NAMESPACE", "ns"},
                                          {"K8S_POD_UID", "u"}})
                                .attributes;
  EXPECT_EQ(attributes["k8s.node.name"], "n");
  EXPECT_EQ(attributes["k8s.pod.name"], "p");
  EXPECT_EQ(attributes["k8s.namespace.name"], "ns");
  EXPECT_EQ(attributes["k8s.pod.uid"], "u");
}

TEST(OtlpResourceTest, VariablesGoOverWhatWasDetected) {
  const Made made = Make(Host(), {{"OTEL_RESOURCE_ATTRIBUTES",
                                   " host.name = a%2Cb%3Dc%20d ,team=core,, service.name=first"},
                                  {"OTEL_SERVICE_NAME", "second"}});
  EXPECT_THAT(made.warnings, IsEmpty());
  EXPECT_EQ(made.attributes.at("host.name"), "a,b=c d");
  EXPECT_EQ(made.attributes.at("team"), "core");
  EXPECT_EQ(made.attributes.at("service.name"), "second");
  EXPECT_EQ(Make(Host(), {{"OTEL_RESOURCE_ATTRIBUTES", "service.name=first"}})
                .attributes.at("service.name"),
            "first");
}

TEST(OtlpResourceTest, AttributesThatAreNotValidAreIgnoredAltogether) {
  for (const char* const text : {"team=core,no value", "team=%4", "team=%zz", "team=%", "=x"}) {
    const Made made = Make(Host(), {{"OTEL_RESOURCE_ATTRIBUTES", text}});
    EXPECT_THAT(made.warnings, ElementsAre(HasSubstr("OTEL_RESOURCE_ATTRIBUTES"))) << text;
    EXPECT_EQ(made.attributes, Make(Host()).attributes) << text;
  }
}

TEST(OtlpResourceTest, AttributesAreUtf8) {
  EXPECT_EQ(Make(Host(), {{"OTEL_RESOURCE_ATTRIBUTES", "team=%ff"}}).attributes.at("team"),
            "\uFFFD");
}

TEST(OtlpResourceTest, ThisHostHasNames) {
  const HostFacts host = ReadHostFacts();
  EXPECT_FALSE(host.version.empty());
  EXPECT_FALSE(host.name.empty());
  EXPECT_FALSE(host.machine.empty());
  EXPECT_FALSE(host.kernel_release.empty());
  EXPECT_EQ(host.os_description.find('"'), std::string::npos);
}

// As other implementations have them, for texts that end before, at and behind a block's end.
TEST(UuidTest, IsThatOfTheStandard) {
  constexpr UuidBytes kDns = {0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1,
                              0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30, 0xc8};
  EXPECT_EQ(UuidV5(kDns, "python.org"), "886313e1-3b8a-5372-9b90-0c9aee199e5d");
  EXPECT_EQ(UuidV5(kDns, ""), "4ebd0208-8328-5d69-8c44-ec50939c0967");
  EXPECT_EQ(UuidV5(kDns, std::string(39, 'x')), "2f80c0d1-1c62-579f-8d68-e61ad5592c9b");
  EXPECT_EQ(UuidV5(kDns, std::string(40, 'x')), "e56fd57a-7633-5e1d-8f80-70e05ac413e5");
  EXPECT_EQ(UuidV5(kDns, std::string(48, 'x')), "83993b6c-dea9-55ca-be5b-9989c85943fc");
  EXPECT_EQ(UuidV5(kDns, std::string(200, 'x')), "ddcc691a-b8e2-53e5-b059-6a232874b2eb");
}

}  // namespace
}  // namespace bpftally
