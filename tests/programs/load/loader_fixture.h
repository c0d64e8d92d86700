#pragma once

#include <bpf/bpf.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <string>

#include "build_paths.h"
#include "kernel/map_handle.h"
#include "kernel/real_bpf_sys.h"
#include "programs/load/loaded_object.h"
#include "programs/plan/plan.h"

namespace bpftally {

// Fixture for tests that load objects of their own (tests/programs/*.bpf.c) into this machine's
// kernel.
class LoaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) GTEST_SKIP() << "root is missing: the test loads BPF programs";
  }

  static ProgramPlan PlanOf(const std::string& object) {
    return {.name = object, .object = BPFTALLY_TEST_OBJECTS "/" + object + ".bpf.o"};
  }

  std::unique_ptr<LoadedProgram> Load(const std::string& object, const LoadOptions& options = {}) {
    return Load(PlanOf(object), options);
  }

  std::unique_ptr<LoadedProgram> Load(const ProgramPlan& plan, const LoadOptions& options = {}) {
    auto program = LoadedProgram::Load(plan, options, *sys_);
    if (program) return std::move(*program);
    ADD_FAILURE() << program.error().message;
    return nullptr;
  }

  static const AttachStatus& StatusOf(const LoadedProgram& program, const std::string& name) {
    const auto found = std::ranges::find(program.statuses(), name, &AttachStatus::program);
    if (found != program.statuses().end()) return *found;
    ADD_FAILURE() << "no status of " << name;
    static const AttachStatus none;
    return none;
  }

  static std::string ErrorOf(const AttachStatus& status) {
    return status.error ? status.error->message : "";
  }

  template <typename Value = uint64_t>
  static Value ValueAt(const LoadedProgram& program, const std::string& map, uint32_t key) {
    Value value{};
    const MapHandle* found = program.FindMap(map);
    EXPECT_NE(found, nullptr) << map;
    if (found != nullptr) {
      EXPECT_EQ(bpf_map_lookup_elem(found->fd, &key, &value), 0);
    }
    return value;
  }

  template <typename Value>
  static void SetAt(const LoadedProgram& program, const std::string& map, uint32_t key,
                    Value value) {
    const MapHandle* found = program.FindMap(map);
    ASSERT_NE(found, nullptr) << map;
    ASSERT_EQ(bpf_map_update_elem(found->fd, &key, &value, BPF_ANY), 0);
  }

  const std::unique_ptr<BpfSys> sys_ = MakeRealBpfSys();
};

}  // namespace bpftally
