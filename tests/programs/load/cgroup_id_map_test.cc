#include "programs/load/cgroup_id_map.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "host/cgroup_root.h"
#include "population/kernel_abilities.h"
#include "programs/load/loader_fixture.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class CgroupIdMapTest : public LoaderTest {
 protected:
  void SetUp() override {
    LoaderTest::SetUp();
    if (IsSkipped()) return;
    const auto root = FindCgroupRoot("/proc/self/mounts");
    if (!root) GTEST_SKIP() << "cgroup v2 is missing: " << root.error().message;
    if (!KernelHasMapType(BPF_MAP_TYPE_CGRP_STORAGE))
      GTEST_SKIP() << "cgrp_storage maps are missing: kernel 6.2 has them";
    top_ = *root + "/bpftally-test-" + std::to_string(::getpid());
    Create("");
    Create("/a.service");
    Create("/other");
    program_ = Load("cgroup_maps");
    ASSERT_TRUE(program_);
  }

  void TearDown() override {
    for (const char* below : {"/late.slice/b.service", "/late.slice", "/a.service", "/other", ""})
      ::rmdir((top_ + below).c_str());
  }

  void Create(const std::string& below) {
    ASSERT_EQ(::mkdir((top_ + below).c_str(), 0755), 0) << top_ << below;
  }

  uint64_t IdOf(const std::string& below) const {
    struct stat status{};
    EXPECT_EQ(::stat((top_ + below).c_str(), &status), 0) << below;
    return status.st_ino;
  }

  // Returns the map's value for this id, or 0 if it has none.
  uint64_t ById(uint64_t id) const {
    uint64_t value = 0;
    bpf_map_lookup_elem(program_->FindMap("wanted_by_id")->fd, &id, &value);
    return value;
  }

  uint64_t InGroup(const std::string& below) const {
    const int fd = ::open((top_ + below).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint64_t value = 0;
    bpf_map_lookup_elem(program_->FindMap("wanted_in_group")->fd, &fd, &value);
    ::close(fd);
    return value;
  }

  template <typename Condition>
  static bool Eventually(Condition condition) {
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(20);
    while (std::chrono::steady_clock::now() < give_up) {
      if (condition()) return true;
      std::this_thread::yield();
    }
    return false;
  }

  std::unique_ptr<CgroupIdMap> Make(const CgroupIdMapPlan& config) {
    auto map = CgroupIdMap::Make(config, *program_, "");
    if (map) return std::move(*map);
    ADD_FAILURE() << map.error().message;
    return nullptr;
  }

  std::string top_;
  std::unique_ptr<LoadedProgram> program_;
};

TEST_F(CgroupIdMapTest, WhatIsThereAtTheStartIsInTheMapIfItMatches) {
  const auto map =
      Make({.name = "wanted_by_id", .regexps = {"\\.nothing$", "bpftally-test.*\\.service$"}});
  ASSERT_TRUE(map);
  EXPECT_EQ(ById(IdOf("/a.service")), 1u);
  EXPECT_EQ(ById(IdOf("/other")), 0u);
  EXPECT_EQ(ById(IdOf("")), 0u);
}

TEST_F(CgroupIdMapTest, GroupsComeAndGo) {
  const auto map = Make({.name = "wanted_by_id", .type = "hash", .regexps = {"\\.service$"}});
  ASSERT_TRUE(map);
  ASSERT_TRUE(map->Start());
  Create("/late.slice");
  Create("/late.slice/b.service");
  const uint64_t late = IdOf("/late.slice/b.service");
  EXPECT_TRUE(Eventually([&] { return ById(late) == 1; }));
  EXPECT_EQ(ById(IdOf("/late.slice")), 0u);
  ASSERT_EQ(::rmdir((top_ + "/late.slice/b.service").c_str()), 0);
  EXPECT_TRUE(Eventually([&] { return ById(late) == 0; }));
  EXPECT_EQ(ById(IdOf("/a.service")), 1u);
}

TEST_F(CgroupIdMapTest, AGroupCanHoldItsOwnMark) {
  const auto map =
      Make({.name = "wanted_in_group", .type = "cgrp_storage", .regexps = {"\\.service$"}});
  ASSERT_TRUE(map);
  ASSERT_TRUE(map->Start());
  EXPECT_EQ(InGroup("/a.service"), 1u);
  EXPECT_EQ(InGroup("/other"), 0u);
  Create("/late.slice");
  Create("/late.slice/b.service");
  EXPECT_TRUE(Eventually([&] { return InGroup("/late.slice/b.service") == 1; }));
}

TEST_F(CgroupIdMapTest, WhatDoesNotFitIsToldSo) {
  const auto message = [&](const CgroupIdMapPlan& config) {
    const auto map = CgroupIdMap::Make(config, *program_, "");
    return map ? "" : map.error().message;
  };
  EXPECT_THAT(message({.name = "none"}), HasSubstr("no map of that name"));
  EXPECT_THAT(message({.name = "narrow_keys"}), HasSubstr("its keys have 4 bytes"));
  EXPECT_THAT(message({.name = "wanted_by_id", .type = "lru"}), HasSubstr("expected hash or"));
  EXPECT_THAT(message({.name = "wanted_by_id", .type = "cgrp_storage"}), HasSubstr("another type"));
  EXPECT_THAT(message({.name = "wanted_by_id", .regexps = {"a("}}), HasSubstr("missing )"));
}

}  // namespace
}  // namespace bpftally
