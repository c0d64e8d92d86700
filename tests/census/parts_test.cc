#include "census/parts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string_view>
#include <vector>

#include "census/reader_fixture.h"

namespace bpftally {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class PartsTest : public ReaderTest {
 protected:
  std::vector<std::unique_ptr<CensusPart>> Parts() { return MakeCensusParts(context_); }

  ReaderOptions options_;
  std::unordered_set<uint32_t> own_programs_;
  BtfNames names_{sys_};
  FeatureList features_;
  CensusContext context_{.sys = sys_,
                         .options = options_,
                         .own_programs = own_programs_,
                         .names = names_,
                         .features = features_};
};

TEST_F(PartsTest, EachKindHasOneInTheOrderOfTheirNeeds) {
  std::vector<std::string_view> names;
  for (const auto& part : Parts()) names.push_back(part->name());
  EXPECT_THAT(names, ElementsAre("program", "map", "link", "btf"));
}

TEST_F(PartsTest, AReadWithoutASourceSaysWhyInTheStatus) {
  sys_.Inject({.method = Method::kLoadIterator, .sys_errno = EPERM});
  sys_.Inject({.method = Method::kNextId, .sys_errno = EPERM});
  for (const auto& part : Parts()) {
    const auto started = part->Start(false);
    ASSERT_FALSE(started) << part->name();
    Snapshot snapshot;
    const auto read = part->Read(MakePass(), snapshot);
    ASSERT_FALSE(read) << part->name();
    EXPECT_EQ(read.error().message, started.error().message);
    EXPECT_EQ(part->own_program(), 0U);
  }
}

TEST_F(PartsTest, FeaturesOnceSeenStayAndUnknownOnesAreNotListed) {
  features_.Note("map_memory", "fdinfo", std::nullopt);
  EXPECT_THAT(features_.all(), IsEmpty());
  features_.Note("map_memory", "fdinfo", true);
  features_.Note("map_memory", "fdinfo", false);
  features_.Note("map_memory", "iterator", false);
  EXPECT_THAT(features_.all(), ElementsAre(Feature{"map_memory", "fdinfo", true},
                                           Feature{"map_memory", "iterator", false}));
}

}  // namespace
}  // namespace bpftally
