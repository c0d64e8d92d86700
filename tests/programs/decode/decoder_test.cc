#include "programs/decode/decoder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <random>

#include "host/host_fixture.h"
#include "programs/decode/errno_names.h"
#include "programs/decode/syscall_names.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

using Static = TextMap;

struct Decoded {
  std::string bytes;  // as hex digits
  std::string text;
};

std::string FromHex(std::string_view digits) {
  std::string bytes;
  for (size_t i = 0; i + 1 < digits.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(digits.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

class DecoderTest : public HostFixture {
 protected:
  Result<Decoder::Verdict> DecodeWith(const std::vector<DecoderPlan>& configs,
                                      std::string_view input, std::string& out) {
    auto chain = DecoderChain::Make(configs, tables);
    if (!chain) return std::unexpected(chain.error());
    std::string scratch = "left over";
    out = "left over";
    return chain->Decode(input, out, scratch);
  }

  // Returns what the chain makes of the input; "<dropped>", or "<kind>: message".
  std::string Run(const std::vector<DecoderPlan>& configs, std::string_view input) {
    std::string out;
    const auto verdict = DecodeWith(configs, input, out);
    if (!verdict) {
      return fmt::format("<{}>: {}", ErrorKindName(verdict.error().kind), verdict.error().message);
    }
    return *verdict == Decoder::Verdict::kDrop ? "<dropped>" : out;
  }

  void Expect(const std::vector<DecoderPlan>& configs, const std::vector<Decoded>& table) {
    for (const auto& [bytes, text] : table) {
      EXPECT_EQ(Run(configs, FromHex(bytes)), text) << configs.back().name << " of " << bytes;
    }
  }

  // Expects what a decoder makes of each text.
  void ExpectText(const DecoderPlan& config, const std::vector<Decoded>& table) {
    for (const auto& [input, text] : table) {
      EXPECT_EQ(Run({config}, input), text) << config.name << " of " << input;
    }
  }

  void ExpectRefused(const DecoderPlan& config, std::string_view input) {
    EXPECT_TRUE(Run({config}, input).starts_with("<invalid>: "))
        << config.name << " of " << input << " gave " << Run({config}, input);
  }

  HostTables tables{Sources(), clock};
};

TEST_F(DecoderTest, Uint) {
  Expect({{"uint"}}, {{"00", "0"},
                      {"ff", "255"},
                      {"80", "128"},
                      {"ffff", "65535"},
                      {"0201", "258"},
                      {"ffffffff", "4294967295"},
                      {"00000080", "2147483648"},
                      {"04030201", "16909060"},
                      {"ffffffffffffffff", "18446744073709551615"},
                      {"0000000000000080", "9223372036854775808"},
                      {"0807060504030201", "72623859790382856"}});
  for (const size_t size : {0uz, 3uz, 5uz, 6uz, 7uz, 9uz, 16uz}) {
    EXPECT_EQ(Run({{"uint"}}, std::string(size, 'x')),
              fmt::format("<invalid>: uint needs 1, 2, 4 or 8 bytes, not {}", size));
  }
}

TEST_F(DecoderTest, String) {
  Expect({{"string"}}, {{"62617368000000000000000000000000", "bash"},
                        {"7369787465656e2d62797465732d6162", "sixteen-bytes-ab"},
                        {"00000000000000000000000000000000", ""},
                        {"63757400727562626973682061667465", "cut"},
                        {"202074776f2020626c616e6b73202000", "  two  blanks  "},
                        {"f09f909d2062656500", "\xf0\x9f\x90\x9d bee"},
                        {"fffe", "\xff\xfe"},
                        {"", ""}});
}

TEST_F(DecoderTest, Hex) {
  Expect({{"hex"}}, {{"00", "00"},
                     {"0a", "0a"},
                     {"ff", "ff"},
                     {"02ab00cdef01", "02ab00cdef01"},
                     {"e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff",
                      "e0e1e2e3e4e5e6e7e8e9eaebecedeeeff0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"},
                     {"", ""}});
}

TEST_F(DecoderTest, InetIpOfFourBytes) {
  Expect({{"inet_ip"}}, {{"00000000", "0.0.0.0"},
                         {"7f000001", "127.0.0.1"},
                         {"ffffffff", "255.255.255.255"},
                         {"c0a864c8", "192.168.100.200"}});
}

TEST_F(DecoderTest, InetIpOfSixteenBytes) {
  Expect({{"inet_ip"}},
         {{"00000000000000000000000000000000", "::"},
          {"00000000000000000000000000000001", "::1"},
          {"00000000000000000000ffff01020304", "1.2.3.4"},
          {"00000000000000000000ffff00000000", "0.0.0.0"},
          {"00000000000000000000000001020304", "::102:304"},
          {"fe800000000000000000000000000001", "fe80::1"},
          {"20010db80000000000008a2e03707334", "2001:db8::8a2e:370:7334"},
          {"00010000000000020000000000000003", "1:0:0:2::3"},
          {"00010000000000020003000000000004", "1::2:3:0:0:4"},
          {"00010000000200030004000500060007", "1:0:2:3:4:5:6:7"},
          {"0064ff9b00000000000000000a000001", "64:ff9b::a00:1"},
          {"ff0200000000000000000001ff000001", "ff02::1:ff00:1"},
          {"00010002000300040005000600000000", "1:2:3:4:5:6::"},
          {"00000001000200030004000500060000", "0:1:2:3:4:5:6:0"},
          {"ffffffffffffffffffffffffffffffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"}});
}

TEST_F(DecoderTest, InetIpOfOtherSizes) {
  Expect({{"inet_ip"}}, {{"", "<nil>"}, {"0a", "?0a"}, {"0102030405", "?0102030405"}});
}

TEST_F(DecoderTest, Dname) {
  Expect({{"dname"}}, {{"076578616d706c6503636f6d", "example.com"},
                       {"03777777074578616d706c6503434f4d", "www.Example.COM"},
                       {"", "."},
                       {"0161", "a"},
                       {"065f646d61726303782d79036e6574", "_dmarc.x-y.net"},
                       {"20746f6f2073686f7274", " too short"},
                       {"036162630972657374",
                        "\x03"
                        "abc\trest"},
                       {"03612e620163", "a.b.c"},
                       {"c00c", "\xc0\x0c"},
                       {"00", ""},
                       {"0161000000", "a..."}});
}

TEST_F(DecoderTest, StringThenDname) {
  Expect({{"string"}, {"dname"}},
         {{"076578616d706c6503636f6d000000", "example.com"}, {"0000", "."}});
}

TEST_F(DecoderTest, Ifname) {
  Expect({{"ifname"}}, {{"01000000", "lo"},
                        {"00000000", "unknown:0"},
                        {"3f420f00", "unknown:999999"},
                        {"ffffffff", "unknown:4294967295"},
                        {"0100000000000000", "lo"},
                        {"41420f0007000000", "unknown:1000001"}});
  ExpectRefused({"ifname"}, "abc");
}

TEST_F(DecoderTest, Majorminor) {
  Expect({{"majorminor"}}, {{"00080000", "sda"},
                            {"01080000", "sda1"},
                            {"11080000", "unknown:8:17"},
                            {"00030100", "nvme0n1"},
                            {"2c031100", "nvme0n1p300"},
                            {"2c030100", "unknown:259:44"},
                            {"00000000", "unknown:0:0"},
                            {"ffffffff", "unknown:4095:1048575"}});
  ExpectRefused({"majorminor"}, "");
}

TEST_F(DecoderTest, Ksym) {
  Expect({{"ksym"}}, {{"00010081ffffffff", "alpha_read"},
                      {"00020081ffffffff", "beta_write"},
                      {"01020081ffffffff", "unknown_addr:0xffffffff81000201"},
                      {"40030081ffffffff", "gamma.isra.0"},
                      {"000010c0ffffffff", "mod_enter\t[mymod]"},
                      {"400010c0ffffffff", "mod_leave\t[mymod]"},
                      {"000020c0ffffffff", "bpf_prog_0123456789abcdef_idle\t[bpf]"},
                      {"ffffffffffffffff", "unknown_addr:0xffffffffffffffff"},
                      {"0100000000000000", "unknown_addr:0x1"}});
  EXPECT_EQ(Run({{"ksym"}}, "1234567"),
            "<invalid>: ksym needs 8 bytes, not 7: check the label's size");
}

TEST_F(DecoderTest, Kstack) {
  Expect({{"kstack"}},
         {{"00010081ffffffff10020081ffffffffff010081ffffffff0000000000000000",
           "alpha_read\nbeta_write\nalpha_read"},
          {"00000081ffffffffffffff80ffffffff00000000000000000000000000000000", "_start_of_all\n??"},
          {"410010c0ffffffff3f0010c0ffffffff230120c0ffffffffffffffffffffffff",
           "mod_leave\t[mymod]\nmod_enter\t[mymod]\nbpf_prog_0123456789abcdef_idle\t[bpf]\n"
           "bpf_prog_0123456789abcdef_idle\t[bpf]"},
          {"010000000000000050030081ffffffff000000000000000000010081ffffffff", "??\ngamma.isra.0"},
          {"0000000000000000", ""},
          {"", ""}});
  ExpectRefused({"kstack"}, "123456789");
}

TEST_F(DecoderTest, Cgroup) {
  const std::string mount = root / "cgroup";
  ExpectText({"cgroup"}, {{"1", mount},
                          {"42", mount + "/golden.slice/web.service"},
                          {"987654321012", "unknown_cgroup_id:987654321012"},
                          {"0", "unknown_cgroup_id:0"}});
  ExpectRefused({"cgroup"}, "18446744073709551615");
  ExpectRefused({"cgroup"}, "/");
}

TEST_F(DecoderTest, Errno) {
  ExpectText({"errno"}, {{"0", "unknown:0"},
                         {"1", "EPERM"},
                         {"2", "ENOENT"},
                         {"11", "EAGAIN"},
                         {"32", "EPIPE"},
                         {"35", "EDEADLK"},
                         {"41", "unknown:41"},
                         {"58", "unknown:58"},
                         {"95", "ENOTSUP"},
                         {"110", "ETIMEDOUT"},
                         {"117", "EFSCORRUPTED"},
                         {"133", "EHWPOISON"},
                         {"134", "unknown:134"},
                         {"512", "unknown:512"},
                         {"18446744073709551615", "unknown:18446744073709551615"}});
  for (const char* text : {"", "-1", "+1", "1 ", "0x1", "18446744073709551616"}) {
    ExpectRefused({"errno"}, text);
  }
}

TEST_F(DecoderTest, ErrnoKnowsEveryNumber) {
  for (uint64_t number = 1; number <= 133; ++number) {
    EXPECT_EQ(ErrnoName(number).empty(), number == 41 || number == 58) << number;
  }
}

TEST_F(DecoderTest, Syscall) {
#ifndef __x86_64__
  GTEST_SKIP() << "the numbers here are those of x86_64";
#endif
  ExpectText({"syscall"}, {{"0", "read"},
                           {"1", "write"},
                           {"7", "poll_time64"},
                           {"17", "pread"},
                           {"94", "chown"},
                           {"202", "futex_time64"},
                           {"214", "printargs"},
                           {"231", "exit"},
                           {"334", "rseq"},
                           {"335", "unknown_syscall:335"},
                           {"424", "pidfd_send_signal"},
                           {"461", "lsm_list_modules"},
                           {"462", "unknown_syscall:462"},
                           {"+3", "close"},
                           {"4294967295", "unknown_syscall:4294967295"},
                           {"-1", "unknown_syscall:18446744073709551615"}});
  EXPECT_EQ(SyscallNames().size(), 373U);
  for (const char* text : {"", "+", "-", "+-1", "read", "9223372036854775808"}) {
    ExpectRefused({"syscall"}, text);
  }
}

TEST_F(DecoderTest, StaticMap) {
  const DecoderPlan plain{.name = "static_map",
                          .argument = Static{{"1", "one"}, {"0x800", "hex"}, {"", "nameless"}}};
  ExpectText(plain, {{"1", "one"}, {"2048", "unknown:2048"}, {"0x800", "hex"}, {"", "nameless"}});
  DecoderPlan lenient = plain;
  lenient.unknown = UnknownRule::kKeep;
  ExpectText(lenient, {{"1", "one"}, {"7", "7"}});
  ExpectText({.name = "static_map"}, {{"1", "empty mapping"}});
  ExpectText({.name = "static_map", .argument = Static{}}, {{"1", "unknown:1"}});
}

TEST_F(DecoderTest, Regexp) {
  const auto with = [](Regexps regexps) {
    return DecoderPlan{.name = "regexp", .argument = std::move(regexps)};
  };
  ExpectText(with({"ba.h"}), {{"bash", "bash"}, {"abashed", "bash"}, {"zsh", "<dropped>"}});
  ExpectText(with({"^kworker/([0-9]+):"}), {{"kworker/12:0H", "12"}, {"bash", "<dropped>"}});
  ExpectText(with({"^(k)(worker)"}), {{"kworker/0:1", "<dropped>"}});
  ExpectText(with({"^sy", "^systemd$", "(^[a-z]+)-", ".*"}),
             {{"systemd", "sy"}, {"rcu-sched", "rcu"}, {"kworker/0:1", "kworker/0:1"}, {"", ""}});
  ExpectText(with({"a(b)?"}), {{"a", ""}, {"ab", "b"}});
  ExpectText(with({"^caf. (.*)"}), {{"caf\xe9 bar", "bar"}});
  ExpectText(with({}), {{"bash", "<dropped>"}});
}

TEST_F(DecoderTest, PciNames) {
  ExpectText({"pci_vendor"}, {{"6900", "Paravirtual Parts"},
                              {"35516", "Example Silicon, Inc."},
                              {"3601", "unknown pci vendor: 0xe11"},
                              {"4660", "unknown pci vendor: 0x1234"},
                              {"16", "unknown pci vendor: 0x10"},
                              {"0", "unknown pci vendor: 0x00"},
                              {"4294974196", "unknown pci vendor: 0x100001af4"}});
  ExpectText({"pci_device"}, {{"452202496", "Paper Network Card"},
                              {"452202561", "Paper Network Card, second edition"},
                              {"2327625455", "Back\\slash Bridge"},
                              {"2327576577", "unknown pci device: 0x8abc0001"},
                              {"235995137", "unknown pci device: 0xe110001"},
                              {"0", "unknown pci device: 0x0000"}});
  ExpectText({"pci_class"}, {{"0", "Unclassified thing"},
                             {"12", "Serial thing"},
                             {"255", "Unassigned class"},
                             {"64", "unknown pci class: 0x40"},
                             {"256", "unknown pci class: 0x100"}});
  ExpectText({"pci_subclass"}, {{"0", "Old thing"},
                                {"640", "Other network thing"},
                                {"767", "unknown pci subclass: 0xff (class 0x02)"},
                                {"3075", "USB thing"},
                                {"65280", "unknown pci subclass: 0x00 (class 0xff)"},
                                {"16384", "unknown pci class: 0x40"}});
  for (const char* name : {"pci_vendor", "pci_device", "pci_class", "pci_subclass"}) {
    ExpectRefused({name}, "text");
  }
}

TEST_F(DecoderTest, PciNamesWithoutDatabase) {
  std::filesystem::remove(root / "pci.ids");
  for (const char* name : {"pci_vendor", "pci_device", "pci_class", "pci_subclass"}) {
    ExpectText({name}, {{"1", "missing pci.ids db"}, {"text", "missing pci.ids db"}});
  }
}

TEST_F(DecoderTest, Chains) {
  const std::vector<DecoderPlan> operation = {
      {"uint"},
      {.name = "static_map",
       .argument = Static{{"1", "read-fast"}, {"2", "read-slow"}, {"3", "write-fast"}}},
      {.name = "regexp", .argument = Regexps{"^(read|write)-"}},
      {.name = "static_map", .argument = Static{{"read", "in"}, {"write", "out"}}}};
  Expect(operation,
         {{"01000000", "in"}, {"02000000", "in"}, {"03000000", "out"}, {"04000000", "<dropped>"}});
  const std::vector<DecoderPlan> vendor = {
      {"hex"}, {.name = "regexp", .argument = Regexps{"^([0-9a-f]{6})"}}};
  Expect(vendor, {{"001122aabbcc", "001122"}, {"665544000001", "665544"}});
  // Input that is dropped first cannot fail afterwards.
  const std::vector<DecoderPlan> guarded = {
      {"uint"}, {.name = "regexp", .argument = Regexps{"^[0-9]{1,6}$"}}, {"cgroup"}};
  Expect(guarded, {{"ffffffffffffffff", "<dropped>"}});
}

TEST_F(DecoderTest, WhatCannotBeMadeSaysWhy) {
  EXPECT_EQ(Run({{"uimt"}}, ""), "<invalid>: unknown decoder \"uimt\" (did you mean \"uint\"?)");
  EXPECT_EQ(Run({}, ""), "<invalid>: a label needs at least one decoder");
  EXPECT_EQ(Run({{"regexp"}}, ""), "<invalid>: regexp needs `regexps`, a list of expressions");
  EXPECT_EQ(Run({{.name = "regexp", .argument = Regexps{"(a"}}}, ""),
            "<invalid>: the regular expression \"(a\" is wrong: missing ): (a");
}

TEST_F(DecoderTest, OnlyWhatTellsAllApartIsInjective) {
  const auto injective = [&](const std::vector<DecoderPlan>& configs) {
    return DecoderChain::Make(configs, tables)->injective();
  };
  for (const char* name : {"uint", "hex", "inet_ip"}) EXPECT_TRUE(injective({{name}})) << name;
  for (const char* name : {"string", "dname", "ifname", "ksym", "kstack", "errno", "syscall"}) {
    EXPECT_FALSE(injective({{name}})) << name;
  }
  EXPECT_FALSE(injective({{"uint"}, {"errno"}}));
}

// Decodes random bytes and random numbers as text, each also through two decoders.
TEST_F(DecoderTest, NoInputIsTooMuch) {
  std::mt19937 random(20261121);  // NOLINT(cert-msc51-cpp): the same inputs in each run
  const auto below = [&](unsigned limit) { return random() % limit; };
  std::vector<DecoderPlan> all;
  for (const std::string_view name : DecoderNames()) {
    DecoderPlan& plan = all.emplace_back(DecoderPlan{.name = std::string(name)});
    if (name == "static_map") plan.argument = Static{{"1", "one"}};
    if (name == "regexp") plan.argument = Regexps{"(.)$", "a"};
  }
  ASSERT_EQ(all.size(), 18U);
  for (int round = 0; round < 4000; ++round) {
    std::string input;
    if (below(3) == 0) {
      input = std::to_string(static_cast<int64_t>(uint64_t{random()} << below(33)));
    } else {
      input.resize(below(72));
      for (char& c : input) c = static_cast<char>(below(256));
    }
    const DecoderPlan& first = all[below(18)];
    const DecoderPlan& second = all[below(18)];
    SCOPED_TRACE(first.name + ", " + second.name);
    std::string text;
    std::string both;
    const auto alone = DecodeWith({first}, input, text);
    const auto chained = DecodeWith({first, second}, input, both);
    if (!alone || *alone == Decoder::Verdict::kDrop) {
      ASSERT_EQ(chained.has_value(), alone.has_value());
    } else {
      std::string again;
      const auto after = DecodeWith({second}, text, again);
      ASSERT_EQ(after.has_value(), chained.has_value());
      if (after) {
        ASSERT_EQ(again, both);
      }
    }
    if (!chained) {
      ASSERT_EQ(chained.error().kind, ErrorKind::kInvalid);
    }
  }
}

}  // namespace
}  // namespace bpftally
