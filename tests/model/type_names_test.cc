#include "model/type_names.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <string>

namespace bpftally {
namespace {

std::string HeaderWithoutComments() {
  std::ifstream file(LINUX_BPF_HEADER);
  const std::string text{std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  std::string out;
  for (size_t at = 0; at < text.size();) {
    const size_t comment = std::min(text.find("/*", at), text.size());
    out += text.substr(at, comment - at);
    const size_t end = text.find("*/", comment);
    at = end == std::string::npos ? text.size() : end + 2;
  }
  return out;
}

// Lower case, without the prefix and what marks a deprecated twin.
std::string Readable(std::string name, const std::string& prefix) {
  EXPECT_TRUE(name.starts_with(prefix)) << name;
  name.erase(0, prefix.size());
  if (const size_t at = name.find("_DEPRECATED"); at != std::string::npos) name.erase(at);
  std::ranges::transform(name, name.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return name;
}

// The values of an enum of the uapi header, by number; aliases of others are left out.
std::map<uint32_t, std::string> EnumOfHeader(const std::string& name, const std::string& prefix) {
  static const std::string header = HeaderWithoutComments();
  const size_t start = header.find("enum " + name + " {");
  EXPECT_NE(start, std::string::npos) << name;
  if (start == std::string::npos) return {};
  const std::string body = header.substr(start, header.find('}', start) - start);
  static const std::regex entry(R"((\w+)(?:\s*=\s*(\w+))?\s*[,\n])");
  std::map<uint32_t, std::string> values;
  uint32_t next = 0;
  const std::string entries = body.substr(body.find('{') + 1);
  for (std::sregex_iterator it(entries.begin(), entries.end(), entry), end; it != end; ++it) {
    const std::string value = (*it)[2];
    if ((*it)[1].str().starts_with("__MAX")) break;
    if (!value.empty() && std::isdigit(static_cast<unsigned char>(value[0])) == 0) continue;
    if (!value.empty()) next = static_cast<uint32_t>(std::stoul(value));
    values[next++] = Readable((*it)[1], prefix);
  }
  return values;
}

struct EnumCase {
  std::string name;
  std::string prefix;
  std::string_view (*readable)(uint32_t);
  size_t at_least;  // values that Linux 6.1 has: fewer means that this test misread the header
};

class TypeNamesTest : public testing::TestWithParam<EnumCase> {};

TEST_P(TypeNamesTest, AgreeWithTheUapiHeader) {
  const auto values = EnumOfHeader(GetParam().name, GetParam().prefix);
  EXPECT_GE(values.size(), GetParam().at_least);
  for (const auto& [number, name] : values) EXPECT_EQ(GetParam().readable(number), name) << number;
}

TEST_P(TypeNamesTest, AreAllDifferentUpToTheFirstUnknown) {
  std::map<std::string_view, uint32_t> seen;
  uint32_t number = 0;
  for (; !GetParam().readable(number).starts_with("unknown_"); ++number) {
    const auto [at, fresh] = seen.emplace(GetParam().readable(number), number);
    EXPECT_TRUE(fresh) << at->first << ": " << at->second << " and " << number;
  }
  EXPECT_GE(number, GetParam().at_least);
}

TEST_P(TypeNamesTest, BeyondTheNewestAreUnknownWithTheirNumber) {
  const std::string_view name = GetParam().readable(4000);
  EXPECT_EQ(name, "unknown_4000");
  EXPECT_EQ(GetParam().readable(4000).data(), name.data()) << "the view must stay good";
  EXPECT_EQ(GetParam().readable(0xFFFFFFFF), "unknown_4294967295");
}

INSTANTIATE_TEST_SUITE_P(
    Enums, TypeNamesTest,
    testing::Values(EnumCase{"bpf_prog_type", "BPF_PROG_TYPE_", ProgramTypeName, 32},
                    EnumCase{"bpf_map_type", "BPF_MAP_TYPE_", MapTypeName, 33},
                    EnumCase{"bpf_link_type", "BPF_LINK_TYPE_", LinkTypeName, 10},
                    EnumCase{"bpf_attach_type", "BPF_", AttachTypeName, 44}),
    [](const auto& one) { return one.param.name; });

}  // namespace
}  // namespace bpftally
