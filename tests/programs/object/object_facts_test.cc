#include "programs/object/object_facts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <linux/bpf.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "build_paths.h"

namespace bpftally {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

const std::string kSubject = BPFTALLY_TEST_OBJECTS "/facts_subject.bpf.o";

std::string ReadAll(const std::string& path) {
  std::ifstream stream(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(stream), {}};
}

class ObjectFactsTest : public testing::Test {
 protected:
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(std::string_view bytes) const {
    std::filesystem::create_directories(folder_);
    std::string path = folder_ / "written.bpf.o";
    std::ofstream(path, std::ios::binary) << bytes;
    return path;
  }

  static std::string ErrorOf(const std::string& path) {
    const auto facts = ReadObjectFacts(path);
    EXPECT_FALSE(facts);
    return facts ? "" : facts.error().message;
  }

  std::filesystem::path folder_ =
      std::filesystem::path(testing::TempDir()) / ("object_facts_" + std::to_string(::getpid()));
};

TEST_F(ObjectFactsTest, MapsWithTheirWholeNames) {
  const auto facts = ReadObjectFacts(kSubject);
  ASSERT_TRUE(facts) << facts.error().message;
  EXPECT_THAT(facts->maps, SizeIs(5)) << "the globals' map is none of these";
  const ObjectMap* map = facts->FindMap("a_name_longer_than_the_kernel_keeps");
  ASSERT_NE(map, nullptr);
  EXPECT_EQ(map->type, BPF_MAP_TYPE_HASH);
  EXPECT_EQ(map->key_size, 24);
  EXPECT_EQ(map->value_size, 8);
  EXPECT_EQ(map->max_entries, 100);
  ASSERT_THAT(map->key_fields, SizeIs(3));
  EXPECT_EQ(map->key_fields[0].name, "kind");
  EXPECT_EQ(map->key_fields[0].size, 1);
  EXPECT_EQ(map->key_fields[1].offset, 8);
  EXPECT_EQ(map->key_fields[2].name, "inner");
  EXPECT_EQ(map->key_fields[2].offset, 16);
  EXPECT_EQ(map->key_fields[2].size, 6);
  EXPECT_EQ(facts->FindMap("a_name_longer"), nullptr);
}

TEST_F(ObjectFactsTest, KeysThatAreNoStructOfBytesHaveNoFields) {
  const auto facts = ReadObjectFacts(kSubject);
  ASSERT_TRUE(facts);
  for (const char* name : {"plain", "sizes_only", "bits", "ring"}) {
    ASSERT_NE(facts->FindMap(name), nullptr) << name;
    EXPECT_THAT(facts->FindMap(name)->key_fields, IsEmpty()) << name;
  }
  EXPECT_EQ(facts->FindMap("sizes_only")->key_size, 16);
  EXPECT_EQ(facts->FindMap("plain")->type, BPF_MAP_TYPE_PERCPU_ARRAY);
  EXPECT_EQ(facts->FindMap("ring")->type, BPF_MAP_TYPE_RINGBUF);
}

TEST_F(ObjectFactsTest, ProgramsWithTheirSections) {
  const auto facts = ReadObjectFacts(kSubject);
  ASSERT_TRUE(facts);
  ASSERT_THAT(facts->programs, SizeIs(2));
  EXPECT_EQ(facts->programs[0].name, "first");
  EXPECT_EQ(facts->programs[0].section, "tp/oom/mark_victim");
  EXPECT_EQ(facts->programs[1].section, "perf_event/type=1,config=0,frequency=9");
}

TEST_F(ObjectFactsTest, FilesThatDoNotDo) {
  EXPECT_THAT(ErrorOf("/nowhere/x.bpf.o"),
              "cannot read /nowhere/x.bpf.o: No such file or directory");
  EXPECT_THAT(ErrorOf("/dev/zero"), "/dev/zero is no regular file");
  EXPECT_THAT(ErrorOf(testing::TempDir()), HasSubstr("is no regular file"));
  EXPECT_THAT(ErrorOf(Write("")), HasSubstr("as a BPF object"));
  // The reason comes from libbpf.
  EXPECT_THAT(ErrorOf(Write("no ELF at all")), HasSubstr("as a BPF object: elf: "));
  const std::string large = Write("");
  std::filesystem::resize_file(large, (uintmax_t{64} << 20) + 1);
  EXPECT_THAT(ErrorOf(large), HasSubstr("expected at most 67108864"));
}

TEST_F(ObjectFactsTest, FilesThatWereCutShort) {
  const std::string bytes = ReadAll(kSubject);
  ASSERT_GT(bytes.size(), 1000);
  for (size_t size = 0; size < bytes.size(); size += 97)
    EXPECT_FALSE(ReadObjectFacts(Write(bytes.substr(0, size)))) << size;
}

}  // namespace
}  // namespace bpftally
