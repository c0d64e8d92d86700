#include "commands/program_list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "build_paths.h"
#include "programs/frontends/shipped.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const std::string kDirectory = BPFTALLY_BINARY_DIR "/bpf/programs";

Result<std::vector<std::string>> FilesOf(const std::vector<std::string>& names) {
  return FilesOfPrograms(kDirectory, names);
}

std::string Describe(const TryProgram& try_program) {
  return DescribePrograms(kDirectory, try_program);
}

// The lines of one program.
std::string Of(const std::string& name, const std::string& text) {
  const size_t begin = text.find(name + "\n");
  const size_t end = text.find("\n", text.find("    here:", begin));
  return begin == std::string::npos ? "" : text.substr(begin, end - begin);
}

TEST(ProgramSet, KnowsItsPrograms) {
  const auto files = FilesOf({"syscalls", "biolatency"});
  ASSERT_TRUE(files) << files.error().message;
  EXPECT_THAT(*files, ElementsAre(kDirectory + "/syscalls.yaml", kDirectory + "/biolatency.yaml"));
}

TEST(ProgramSet, SaysWhatWasMeant) {
  const auto files = FilesOf({"syscall", "runqlat", "execs", "execs"});
  ASSERT_FALSE(files);
  EXPECT_EQ(files.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(files.error().message,
              HasSubstr("there is no program \"syscall\" (did you mean \"syscalls\"?): it is one "
                        "of biolatency, "));
  EXPECT_THAT(files.error().message, HasSubstr("\nthe program \"execs\" is named twice"));
}

// A name is no path.
TEST(ProgramSet, StaysInItsDirectory) {
  EXPECT_FALSE(FilesOf({"../programs/execs"}));
  EXPECT_FALSE(FilesOf({""}));
}

TEST(ProgramSet, TellsHooksAndThatItRuns) {
  const std::string text = Describe([](const ProgramPlan&) {
    return Result<std::vector<AttachStatus>>({AttachStatus{.program = "one", .attached = true}});
  });
  const std::string lines = Of("execs", text);
  EXPECT_THAT(lines, HasSubstr("hooks: tp_btf/sched_process_exec\n"));
  EXPECT_THAT(lines, HasSubstr("needs: Linux "));
  EXPECT_THAT(lines, testing::EndsWith("here:  yes"));
}

TEST(ProgramSet, TellsWhatIsMissing) {
  const std::string text = Describe([](const ProgramPlan& plan) {
    std::vector<AttachStatus> statuses = {
        {.program = "good", .attached = plan.name == "cachestat"},
        {.program = "bad", .error = Error{ErrorKind::kUnsupported, 0, "has no such hook"}}};
    return Result<std::vector<AttachStatus>>(std::move(statuses));
  });
  EXPECT_THAT(text, HasSubstr("here:  in part:\n           has no such hook\n"));
  EXPECT_THAT(Of("execs", text), testing::EndsWith("here:  no:"));
}

TEST(ProgramSet, TellsWhyNothingRuns) {
  const std::string text = Describe([](const ProgramPlan&) -> Result<std::vector<AttachStatus>> {
    return std::unexpected(Error{ErrorKind::kUnsupported, 0, "no BTF"});
  });
  EXPECT_THAT(Of("execs", text), testing::EndsWith("here:  no: no BTF"));
}

}  // namespace
}  // namespace bpftally
