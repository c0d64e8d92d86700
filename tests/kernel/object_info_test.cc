#include "kernel/object_info.h"

#include "census/reader_fixture.h"

namespace bpftally {
namespace {

TEST(FdInfoNumberTest, FindsWholeKeysOnly) {
  const std::string_view text = "pos:\t0\nmemlock:\t4096\nmap_id:\t12\nx_map_id:\t13\nfrozen:\t1";
  EXPECT_EQ(FdInfoNumber(text, "memlock"), 4096u);
  EXPECT_EQ(FdInfoNumber(text, "map_id"), 12u);
  EXPECT_EQ(FdInfoNumber(text, "frozen"), 1u);  // no line end behind it
  EXPECT_EQ(FdInfoNumber(text, "map"), std::nullopt);
  EXPECT_EQ(FdInfoNumber(text, "absent"), std::nullopt);
  EXPECT_EQ(FdInfoNumber("", "memlock"), std::nullopt);
}

TEST(FdInfoNumberTest, WhatIsNoNumberIsUnknown) {
  EXPECT_EQ(FdInfoNumber("memlock:\tmuch\n", "memlock"), std::nullopt);
  EXPECT_EQ(FdInfoNumber("memlock:\t\n", "memlock"), std::nullopt);
  EXPECT_EQ(FdInfoNumber("memlock:\t99999999999999999999999\n", "memlock"), std::nullopt);
  EXPECT_EQ(FdInfoNumber("memlock:\t18446744073709551615\n", "memlock"), 18446744073709551615u);
}

TEST(HasFieldTest, TheLastByteDecides) {
  constexpr size_t kEnd = offsetof(bpf_prog_info, run_cnt) + sizeof(uint64_t);
  EXPECT_TRUE(BPFTALLY_HAS_FIELD(bpf_prog_info, run_cnt, kEnd));
  EXPECT_FALSE(BPFTALLY_HAS_FIELD(bpf_prog_info, run_cnt, kEnd - 1));
}

class ReadBtfDataTest : public ReaderTest {};

TEST_F(ReadBtfDataTest, GivesEveryByte) {
  for (int i = 0; i < 5000; ++i) sys_.btf[1].data.push_back(static_cast<std::byte>(i));
  const auto fd = sys_.OpenById(ObjectKind::kBtf, 1);
  EXPECT_EQ(ReadBtfData(sys_, fd->get()).value(), sys_.btf[1].data);
}

TEST_F(ReadBtfDataTest, EitherQueryMayFail) {
  sys_.btf[1].data.resize(8);
  const auto fd = sys_.OpenById(ObjectKind::kBtf, 1);
  for (const int after : {0, 1}) {
    sys_.ClearFaults();
    sys_.Inject({.method = Method::kObjectInfo, .sys_errno = EFAULT, .after = after});
    EXPECT_EQ(ReadBtfData(sys_, fd->get()).error().sys_errno, EFAULT);
  }
}

}  // namespace
}  // namespace bpftally
