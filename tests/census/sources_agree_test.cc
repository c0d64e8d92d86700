#include <gtest/gtest.h>
#include <linux/bpf.h>

#include <cstdlib>
#include <set>

#include "population/census_fixture.h"
#include "population/fields.h"
#include "population/population.h"

namespace bpftally {
namespace {

// Ids of one kind in the population.
template <typename Known>
std::set<uint32_t> IdsOf(const std::vector<Known>& known) {
  std::set<uint32_t> ids;
  for (const Known& object : known) ids.insert(object.made.id);
  return ids;
}

// Two readers reckon their clock offsets anew, and the iterator alone reads no BTF: it has the 15
// characters of a name that the kernel keeps.
bool IsTheSame(const std::string& field, const std::string& by_iterator, const std::string& other) {
  if (by_iterator == other) return true;
  if (field == "load_time_ns") {
    return std::abs(std::stoll(by_iterator) - std::stoll(other)) < 1'000'000;
  }
  return (field == "name" || field == "target") && by_iterator.size() == BPF_OBJ_NAME_LEN - 1 &&
         other.starts_with(by_iterator);
}

class SourcesAgreeTest : public CensusTest {
 protected:
  // No test changes it, and it takes seconds under emulation, as a reader does.
  static void TearDownTestSuite() { population_.reset(); }

  void SetUp() override {
    CensusTest::SetUp();
    if (IsSkipped() || population_) return;
    population_ = std::make_unique<Population>();
    iterator_ = Take({.source = SourceChoice::kIterator});
    syscall_ = Take({.source = SourceChoice::kSyscall});
    automatic_ = Take({.source = SourceChoice::kAuto});
  }

  template <typename Info>
  void ExpectUnion(const std::vector<Field<Info>>& fields, std::vector<Info> Snapshot::* kind,
                   const std::set<uint32_t>& ids) {
    for (const uint32_t id : ids) {
      const Info* by_iterator = FindId(iterator_.*kind, id);
      const Info* by_syscall = FindId(syscall_.*kind, id);
      const Info* by_auto = FindId(automatic_.*kind, id);
      ASSERT_TRUE(by_iterator && by_syscall && by_auto) << "id " << id;
      for (const Field<Info>& field : fields) {
        const auto first = field.text(*by_iterator);
        const auto second = field.text(*by_syscall);
        const std::string wanted = second.value_or(first.value_or("absent"));
        const std::string got = field.text(*by_auto).value_or("absent");
        EXPECT_TRUE(got == wanted ||
                    (field.name == "load_time_ns" && IsTheSame(field.name, got, wanted)))
            << Describe(*by_syscall) << ": " << field.name << " is " << got << ", not " << wanted;
      }
    }
  }

  template <typename Info>
  void ExpectAgreement(const std::vector<Field<Info>>& fields, std::vector<Info> Snapshot::* kind,
                       const std::set<uint32_t>& ids) {
    for (const uint32_t id : ids) {
      const Info* by_iterator = FindId(iterator_.*kind, id);
      const Info* by_syscall = FindId(syscall_.*kind, id);
      ASSERT_TRUE(by_iterator && by_syscall) << "id " << id;
      for (const Field<Info>& field : fields) {
        const auto first = field.text(*by_iterator);
        const auto second = field.text(*by_syscall);
        if (!first || !second) continue;
        EXPECT_TRUE(IsTheSame(field.name, *first, *second))
            << Describe(*by_syscall) << ": " << field.name << " is " << *first
            << " by iterator, and by system call " << *second;
      }
    }
  }

  inline static std::unique_ptr<Population> population_;
  inline static Snapshot iterator_;
  inline static Snapshot syscall_;
  inline static Snapshot automatic_;
};

TEST_F(SourcesAgreeTest, EachWentItsOwnWay) {
  for (const ObjectKind kind : {ObjectKind::kProgram, ObjectKind::kMap, ObjectKind::kLink}) {
    EXPECT_EQ(iterator_.StatusOf(kind).source, Source::kIterator) << ObjectKindName(kind);
    EXPECT_EQ(syscall_.StatusOf(kind).source, Source::kSyscall) << ObjectKindName(kind);
    EXPECT_TRUE(iterator_.StatusOf(kind).complete) << ObjectKindName(kind);
    EXPECT_TRUE(syscall_.StatusOf(kind).complete) << ObjectKindName(kind);
  }
}

TEST_F(SourcesAgreeTest, OnPrograms) {
  ExpectAgreement(ProgramFields(), &Snapshot::programs, IdsOf(population_->made().programs));
}

TEST_F(SourcesAgreeTest, OnMaps) {
  ExpectAgreement(MapFields(), &Snapshot::maps, IdsOf(population_->made().maps));
}

TEST_F(SourcesAgreeTest, OnLinks) {
  ExpectAgreement(LinkFields(), &Snapshot::links, IdsOf(population_->made().links));
}

TEST_F(SourcesAgreeTest, AutoKnowsWhatEitherKnows) {
  ExpectUnion(ProgramFields(), &Snapshot::programs, IdsOf(population_->made().programs));
  ExpectUnion(MapFields(), &Snapshot::maps, IdsOf(population_->made().maps));
  ExpectUnion(LinkFields(), &Snapshot::links, IdsOf(population_->made().links));
}

}  // namespace
}  // namespace bpftally
