#include <unistd.h>

#include "btf/btf_blob.h"
#include "census/reader_fixture.h"

namespace bpftally {
namespace {

using ::testing::ElementsAre;
using ::testing::Optional;

constexpr uint32_t kBtf = 70;

class ProgramsPartTest : public ReaderTest {
 protected:
  // A program of which every field has a value of its own.
  FakeProgram& AddWhole(uint32_t id) {
    FakeProgram& program = AddProgram(id, "whole");
    program.info.type = BPF_PROG_TYPE_XDP;
    std::ranges::fill(program.info.tag, uint8_t{0xab});
    program.info.gpl_compatible = 1;
    program.info.load_time = 3'000'000'000;
    program.info.created_by_uid = 1000;
    program.info.xlated_prog_len = 80;
    program.info.jited_prog_len = 96;
    program.info.nr_jited_ksyms = 2;
    program.info.verified_insns = 41;
    program.info.run_time_ns = 500;
    program.info.run_cnt = 5;
    program.info.recursion_misses = 3;
    program.map_ids = {11, 12, 13};
    program.pages = 2;
    program.stack_depth = 64;
    program.fdinfo = "prog_type:\t6\nmemlock:\t8192\n";
    return program;
  }

  uint32_t AddFunctionBtf(uint32_t id, const char* name) {
    BtfBlob blob;
    const uint32_t function = blob.Function(name);
    sys_.btf[id].data = blob.Bytes();
    return function;
  }

  // The newest header's struct, cut before `size`.
  ProgramInfo TakeCut(size_t size) {
    sys_.program_info_size = size;
    sys_.files[kStatsSysctl] = "1\n";
    FakeProgram& program = AddWhole(1);
    program.info.btf_id = kBtf;
    program.func_info_type_id = AddFunctionBtf(kBtf, "whole_name_of_the_function");
    Start({.source = SourceChoice::kSyscall});
    const Snapshot snapshot = Take();
    return snapshot.programs.empty() ? ProgramInfo{} : snapshot.programs.front();
  }
};

ProgramInfo WholeInfo() {
  return {.id = 1,
          .type = BPF_PROG_TYPE_XDP,
          .name = "whole",
          .tag = {0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab},
          .gpl_compatible = true,
          // 3 s after a boot that was 5 s before the clock's wall time
          .load_time_ns = 1'700'000'000'000'000'000 - 2'000'000'000,
          .uid = 1000,
          .translated_bytes = 80,
          .jitted_bytes = 96,
          .memory_bytes = 8192,
          .verified_instructions = 41,
          .run_time_ns = 500,
          .run_count = 5,
          .recursion_misses = 3,
          .map_ids = std::vector<uint32_t>{11, 12, 13},
          .btf_id = 0,
          .stack_depth_bytes = 64,
          .subprograms = 2};
}

TEST_F(ProgramsPartTest, IteratorGivesEveryField) {
  sys_.files[kStatsSysctl] = "1\n";
  AddWhole(1).pages = static_cast<uint32_t>(8192 / ::sysconf(_SC_PAGESIZE));
  Start({.source = SourceChoice::kIterator});
  const Snapshot snapshot = Take();
  EXPECT_EQ(snapshot.StatusOf(ObjectKind::kProgram).source, Source::kIterator);
  EXPECT_TRUE(snapshot.programs.at(0) == WholeInfo());
  EXPECT_EQ(sys_.Calls(Method::kOpenById), 0);
}

TEST_F(ProgramsPartTest, SyscallGivesAllButStackDepth) {
  sys_.files[kStatsSysctl] = "1\n";
  AddWhole(1);
  Start({.source = SourceChoice::kSyscall});
  const Snapshot snapshot = Take();
  EXPECT_EQ(snapshot.StatusOf(ObjectKind::kProgram).source, Source::kSyscall);
  ProgramInfo expected = WholeInfo();
  expected.stack_depth_bytes.reset();
  EXPECT_TRUE(snapshot.programs.at(0) == expected);
}

TEST_F(ProgramsPartTest, KernelOf413KnowsSizesOnly) {
  const ProgramInfo program = TakeCut(offsetof(bpf_prog_info, load_time));
  EXPECT_EQ(program.translated_bytes, 80u);
  EXPECT_EQ(program.jitted_bytes, 96u);
  EXPECT_EQ(program.name, "");
  EXPECT_EQ(program.load_time_ns, std::nullopt);
  EXPECT_EQ(program.uid, std::nullopt);
  EXPECT_EQ(program.map_ids, std::nullopt);
  EXPECT_EQ(program.gpl_compatible, std::nullopt);
  EXPECT_EQ(program.subprograms, std::nullopt);
  EXPECT_EQ(program.btf_id, std::nullopt);
  EXPECT_EQ(program.run_count, std::nullopt);
  EXPECT_EQ(program.memory_bytes, 8192u);
}

TEST_F(ProgramsPartTest, CutBehindTheNameLeavesTheLicenceUnknown) {
  const ProgramInfo program = TakeCut(offsetof(bpf_prog_info, nr_jited_ksyms));
  EXPECT_EQ(program.name, "whole");
  EXPECT_THAT(program.map_ids, Optional(ElementsAre(11, 12, 13)));
  EXPECT_EQ(program.uid, 1000u);
  EXPECT_EQ(program.gpl_compatible, std::nullopt);
  EXPECT_EQ(program.subprograms, std::nullopt);
}

TEST_F(ProgramsPartTest, CutBeforeBtfIdKeepsTheShortName) {
  const ProgramInfo program = TakeCut(offsetof(bpf_prog_info, btf_id));
  EXPECT_EQ(program.gpl_compatible, true);
  EXPECT_EQ(program.subprograms, 2u);
  EXPECT_EQ(program.btf_id, std::nullopt);
  EXPECT_EQ(program.name, "whole");
}

TEST_F(ProgramsPartTest, CutBeforeRunCountHasNeitherTimeNorCount) {
  const ProgramInfo program = TakeCut(offsetof(bpf_prog_info, run_cnt));
  EXPECT_EQ(program.btf_id, kBtf);
  EXPECT_EQ(program.name, "whole_name_of_the_function");
  EXPECT_EQ(program.run_time_ns, std::nullopt);
  EXPECT_EQ(program.run_count, std::nullopt);
  EXPECT_EQ(program.recursion_misses, std::nullopt);
}

TEST_F(ProgramsPartTest, CutBeforeRecursionMisses) {
  const ProgramInfo program = TakeCut(offsetof(bpf_prog_info, recursion_misses));
  EXPECT_EQ(program.run_time_ns, 500u);
  EXPECT_EQ(program.run_count, 5u);
  EXPECT_EQ(program.recursion_misses, std::nullopt);
  EXPECT_EQ(program.verified_instructions, std::nullopt);
}

TEST_F(ProgramsPartTest, CutBeforeVerifiedInstructions) {
  const ProgramInfo program = TakeCut(offsetof(bpf_prog_info, verified_insns));
  EXPECT_EQ(program.recursion_misses, 3u);
  EXPECT_EQ(program.verified_instructions, std::nullopt);
}

TEST_F(ProgramsPartTest, WhatAnIteratorCouldNotReadIsAbsent) {
  sys_.program_known = 0;
  sys_.files[kStatsSysctl] = "1\n";
  AddWhole(1);
  Start({.source = SourceChoice::kIterator});
  const ProgramInfo program = Take().programs.at(0);
  EXPECT_EQ(program.jitted_bytes, std::nullopt);
  EXPECT_EQ(program.verified_instructions, std::nullopt);
  EXPECT_EQ(program.run_time_ns, std::nullopt);
  EXPECT_EQ(program.run_count, std::nullopt);
  EXPECT_EQ(program.recursion_misses, std::nullopt);
  EXPECT_EQ(program.map_ids, std::nullopt);
  EXPECT_EQ(program.uid, 1000u);
}

TEST_F(ProgramsPartTest, WhatAnIteratorCouldNotReadTheSystemCallTells) {
  sys_.program_known = 0;
  sys_.files[kStatsSysctl] = "1\n";
  AddWhole(1);
  Start({.source = SourceChoice::kAuto});
  const ProgramInfo program = Take().programs.at(0);
  EXPECT_EQ(program.jitted_bytes, 96u);
  EXPECT_EQ(program.run_time_ns, 500u);
  EXPECT_EQ(program.run_count, 5u);
  EXPECT_EQ(program.recursion_misses, 3u);
  EXPECT_THAT(program.map_ids, Optional(ElementsAre(11, 12, 13)));
  EXPECT_EQ(program.stack_depth_bytes, 64u);  // only the iterator has it
}

TEST_F(ProgramsPartTest, AnOddNumberOfMapIdsDoesNotShiftTheNextProgram) {
  AddProgram(1).map_ids = {5};
  AddProgram(2, "second").map_ids = {};
  AddProgram(3, "third").map_ids = {6, 7, 8};
  Start({.source = SourceChoice::kIterator});
  const Snapshot snapshot = Take();
  EXPECT_THAT(snapshot.programs.at(0).map_ids, Optional(ElementsAre(5)));
  EXPECT_THAT(snapshot.programs.at(1).map_ids, Optional(ElementsAre()));
  EXPECT_EQ(snapshot.programs.at(1).name, "second");
  EXPECT_THAT(snapshot.programs.at(2).map_ids, Optional(ElementsAre(6, 7, 8)));
  EXPECT_EQ(snapshot.programs.at(2).name, "third");
}

TEST_F(ProgramsPartTest, MoreMapIdsClaimedThanThereAreGiveThoseThatAre) {
  AddProgram(1).map_ids = {5, 6};
  sys_.bend_stream = [](ObjectKind kind, std::vector<std::byte>& stream) {
    if (kind != ObjectKind::kProgram) return;
    const uint32_t count = 1'000'000'000;
    std::memcpy(stream.data() + offsetof(program_record, map_id_count), &count, sizeof count);
  };
  Start({.source = SourceChoice::kIterator});
  const Snapshot snapshot = Take();
  EXPECT_THAT(snapshot.programs.at(0).map_ids, Optional(ElementsAre(5, 6)));
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kProgram).complete);
}

TEST_F(ProgramsPartTest, AnUnnamedMainFunctionCountsAsOne) {
  AddProgram(1).info.nr_jited_ksyms = 0;
  Start({.source = SourceChoice::kIterator});
  EXPECT_EQ(Take().programs.at(0).subprograms, 1u);
}

class ProgramNameTest : public BothSourcesTest {
 protected:
  void AddNamed(uint32_t id, uint32_t btf, const char* function) {
    FakeProgram& program = AddProgram(id, std::string_view(function).substr(0, 15));
    BtfBlob blob;
    program.func_info_type_id = blob.Function(function);
    program.info.btf_id = btf;
    sys_.btf[btf].data = blob.Bytes();
  }
  std::string NameOf(uint32_t id, const Snapshot& snapshot) {
    const ProgramInfo* program = Find(snapshot.programs, id);
    return program == nullptr ? "(none)" : program->name;
  }
};

INSTANTIATE_TEST_SUITE_P(, ProgramNameTest,
                         ::testing::Values(SourceChoice::kAuto, SourceChoice::kSyscall),
                         SourceChoiceName);

TEST_P(ProgramNameTest, TheFullOneStandsInBtfAndIsAskedOnce) {
  AddNamed(1, kBtf, "a_function_with_a_long_name");
  Start({.source = GetParam()});
  EXPECT_EQ(NameOf(1, Take()), "a_function_with_a_long_name");
  sys_.ForgetCalls();
  EXPECT_EQ(NameOf(1, Take()), "a_function_with_a_long_name");
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kBtf), 0);
  EXPECT_EQ(sys_.Calls(Method::kFdInfo, ObjectKind::kProgram), 0);
}

TEST_P(ProgramNameTest, OneBtfObjectIsOpenedOncePerPass) {
  for (uint32_t id = 1; id <= 5; ++id) AddNamed(id, kBtf, "a_function_with_a_long_name");
  Start({.source = GetParam()});
  Take();
  // Once for its types, once for its own entry in the census.
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kBtf), 2);
}

TEST_P(ProgramNameTest, GarbageLeavesTheShortName) {
  AddNamed(1, kBtf, "a_function_with_a_long_name");
  sys_.btf[kBtf].data.assign(100, std::byte{0x5a});
  Start({.source = GetParam()});
  const Snapshot snapshot = Take();
  EXPECT_EQ(NameOf(1, snapshot), "a_function_with");
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kProgram).complete);
}

TEST_P(ProgramNameTest, AFailedLookUpIsMadeGoodAtTheNextPass) {
  AddNamed(1, kBtf, "a_function_with_a_long_name");
  sys_.Inject({.method = Method::kOpenById, .sys_errno = EMFILE, .kind = ObjectKind::kBtf});
  Start({.source = GetParam()});
  EXPECT_EQ(NameOf(1, Take()), "a_function_with");
  sys_.ClearFaults();
  EXPECT_EQ(NameOf(1, Take()), "a_function_with_a_long_name");
}

TEST_P(ProgramNameTest, AProgramIsMissingIfThereIsNoTimeForItsName) {
  AddNamed(1, kBtf, "a_function_with_a_long_name");
  AddNamed(2, kBtf + 1, "another_function_than_that");
  sys_.after_call = [&](const Call& call) {
    if (call.method == Method::kOpenById && call.kind == ObjectKind::kBtf)
      clock_.step = std::chrono::hours(2);
  };
  Start({.source = GetParam()});
  const Snapshot late = Take();
  EXPECT_EQ(NameOf(1, late), "a_function_with_a_long_name");
  EXPECT_EQ(NameOf(2, late), "(none)");
  EXPECT_FALSE(late.StatusOf(ObjectKind::kProgram).complete);
  EXPECT_EQ(sys_.Calls(Method::kOpenById, ObjectKind::kBtf), 1);
  sys_.after_call = nullptr;
  clock_.step = std::chrono::nanoseconds(0);
  const Snapshot next = Take();
  EXPECT_TRUE(next.StatusOf(ObjectKind::kProgram).complete);
  EXPECT_EQ(NameOf(2, next), "another_function_than_that");
}

TEST_P(ProgramNameTest, Fault04AnIdThatComesBackIsAnotherProgram) {
  AddNamed(1, kBtf, "the_first_function_of_all");
  Start({.source = GetParam()});
  EXPECT_EQ(NameOf(1, Take()), "the_first_function_of_all");
  AddNamed(1, kBtf + 1, "another_function_than_that");
  sys_.programs[1].info.load_time = 99'999;
  sys_.programs[1].pages = 3;
  sys_.programs[1].fdinfo = "memlock:\t12288\n";
  const Snapshot snapshot = Take();
  EXPECT_EQ(NameOf(1, snapshot), "another_function_than_that");
  EXPECT_EQ(Find(snapshot.programs, 1)->memory_bytes, 12288u);
}

TEST_P(ProgramNameTest, NothingIsRememberedOfTheDead) {
  Start({.source = GetParam()});
  constexpr uint32_t kGenerations = 100;
  for (uint32_t id = 10; id < 10 + kGenerations; ++id) {
    AddNamed(id, id, "a_function_with_a_long_name");
    Take();
    sys_.programs.erase(id);
  }
  // All back as they were: had the cache kept them, no name would be asked for.
  for (uint32_t id = 10; id < 10 + kGenerations; ++id)
    AddNamed(id, id, "a_function_with_a_long_name");
  sys_.ForgetCalls();
  Take();
  EXPECT_GE(sys_.Calls(Method::kOpenById, ObjectKind::kBtf), static_cast<int>(kGenerations) - 1);
}

TEST_F(ProgramsPartTest, MemoryThatCouldNotBeReadIsReadAtTheNextPass) {
  AddProgram(1);
  sys_.Inject({.method = Method::kFdInfo, .sys_errno = ENOMEM});
  Start({.source = SourceChoice::kSyscall});
  EXPECT_EQ(Take().programs.at(0).memory_bytes, std::nullopt);
  sys_.ClearFaults();
  EXPECT_EQ(Take().programs.at(0).memory_bytes, 4096u);
}

}  // namespace
}  // namespace bpftally
