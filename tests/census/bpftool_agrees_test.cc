#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include "census/bpftool.h"
#include "model/type_names.h"
#include "population/census_fixture.h"
#include "population/population.h"

namespace bpftally {
namespace {

class BpftoolAgreesTest : public CensusTest {
 protected:
  void SetUp() override {
    CensusTest::SetUp();
    if (IsSkipped()) return;
    if (AskBpftool("btf show").IsNull()) GTEST_SKIP() << "bpftool is missing";
    if (population_) return;
    population_ = std::make_unique<Population>();
    snapshot_ = Take({.source = SourceChoice::kAuto});
  }

  // What bpftool says of one object.
  static YAML::Node WithId(const YAML::Node& all, uint32_t id) {
    for (const YAML::Node& object : all) {
      if (object["id"].as<uint32_t>() == id) return object;
    }
    ADD_FAILURE() << "bpftool does not show id " << id;
    return {};
  }

  // bpftool leaves out what is 0 or empty.
  template <typename Value>
  static void Expect(const YAML::Node& object, const char* key, const std::optional<Value>& ours) {
    if (!ours) return;
    const YAML::Node theirs = object[key];
    const Value value = theirs ? theirs.template as<Value>() : Value{};
    EXPECT_EQ(*ours, value) << "id " << object["id"].as<uint32_t>() << ": " << key;
  }

  static void ExpectText(const YAML::Node& object, const char* key, std::string_view ours) {
    Expect<std::string>(object, key, std::string(ours));
  }

  // No test changes it, and it takes seconds under emulation.
  static void TearDownTestSuite() { population_.reset(); }

  inline static std::unique_ptr<Population> population_;
  inline static Snapshot snapshot_;
};

TEST_F(BpftoolAgreesTest, OnPrograms) {
  const YAML::Node all = AskBpftool("prog show");
  for (const KnownProgram& known : population_->made().programs) {
    const ProgramInfo& ours = *FindId(snapshot_.programs, known.made.id);
    const YAML::Node theirs = WithId(all, ours.id);
    ExpectText(theirs, "type", ProgramTypeName(ours.type));
    ExpectText(theirs, "name", ours.name);
    ExpectText(theirs, "tag", fmt::format("{:02x}", fmt::join(ours.tag, "")));
    Expect(theirs, "gpl_compatible", ours.gpl_compatible);
    Expect(theirs, "uid", ours.uid);
    Expect(theirs, "bytes_xlated", ours.translated_bytes);
    Expect(theirs, "bytes_jited", ours.jitted_bytes);
    Expect(theirs, "bytes_memlock", ours.memory_bytes);
    Expect(theirs, "map_ids", ours.map_ids);
    Expect(theirs, "btf_id", ours.btf_id);
    Expect(theirs, "recursion_misses", ours.recursion_misses);
    EXPECT_NEAR(static_cast<double>(ours.load_time_ns.value_or(0)) / 1e9,
                theirs["loaded_at"].as<double>(), 1);
  }
}

TEST_F(BpftoolAgreesTest, OnMaps) {
  for (const KnownMap& known : population_->made().maps) {
    const MapInfo& ours = *FindId(snapshot_.maps, known.made.id);
    // One by one: in a list bpftool carries a btf_id over to the maps that have none.
    const YAML::Node theirs = AskBpftool(fmt::format("map show id {}", ours.id));
    ASSERT_TRUE(theirs.IsMap()) << known.label;
    // The names of new types are numbers in an old bpftool.
    ExpectText(theirs, "type", MapTypeName(ours.type));
    ExpectText(theirs, "name", ours.name.substr(0, BPF_OBJ_NAME_LEN - 1));
    Expect<uint32_t>(theirs, "flags", ours.flags);
    Expect<uint32_t>(theirs, "bytes_key", ours.key_size);
    Expect<uint32_t>(theirs, "bytes_value", ours.value_size);
    Expect<uint32_t>(theirs, "max_entries", ours.max_entries);
    Expect(theirs, "bytes_memlock", ours.memory_bytes);
    Expect<int>(theirs, "frozen", ours.frozen);
    Expect(theirs, "btf_id", ours.btf_id);
  }
}

// The words by which bpftool names a link's target, as far as it has the right ones: an interface
// of another network namespace it names after its own.
std::string TargetOf(const YAML::Node& link) {
  for (const char* key : {"tp_name", "target_name", "tracepoint", "path"}) {
    if (link[key] && link[key].IsScalar()) return link[key].as<std::string>();
  }
  if (link["netns_ino"]) return fmt::format("net:[{}]", link["netns_ino"].as<uint64_t>());
  if (link["file"]) {
    return fmt::format("{}:{:#x}", link["file"].as<std::string>(), link["offset"].as<uint64_t>());
  }
  return "";
}

TEST_F(BpftoolAgreesTest, OnLinks) {
  const YAML::Node all = AskBpftool("link show");
  for (const KnownLink& known : population_->made().links) {
    const LinkInfo& ours = *FindId(snapshot_.links, known.made.id);
    const YAML::Node theirs = WithId(all, ours.id);
    SCOPED_TRACE(known.label);
    ExpectText(theirs, "type", LinkTypeName(ours.type));
    Expect<uint32_t>(theirs, "prog_id", ours.program_id);
    if (theirs["attach_type"] && ours.attach_type) {
      ExpectText(theirs, "attach_type", AttachTypeName(*ours.attach_type));
    }
    if (const std::string target = TargetOf(theirs); !target.empty()) {
      EXPECT_EQ(ours.target.value_or("absent"), target);
    }
  }
}

TEST_F(BpftoolAgreesTest, OnBtf) {
  const YAML::Node all = AskBpftool("btf show");
  size_t compared = 0;
  for (const BtfInfo& ours : snapshot_.btf) {
    for (const YAML::Node& theirs : all) {
      if (theirs["id"].as<uint32_t>() != ours.id) continue;
      Expect<uint32_t>(theirs, "size", ours.size_bytes);
      Expect<bool>(theirs, "kernel", ours.kernel);
      if (ours.kernel) ExpectText(theirs, "name", ours.name);
      ++compared;
    }
  }
  EXPECT_GE(compared, 4u) << "vmlinux and those of the population's objects";
}

}  // namespace
}  // namespace bpftally
