#include "census/iterator_reader.h"

#include "census/reader_fixture.h"

namespace bpftally {
namespace {

struct TestRecord {
  uint32_t size = 0;
  uint32_t value = 0;
};

void Append(std::vector<std::byte>& stream, const TestRecord& record, size_t tail = 0) {
  const auto bytes = std::as_bytes(std::span(&record, 1));
  stream.insert(stream.end(), bytes.begin(), bytes.end());
  stream.insert(stream.end(), tail, std::byte{7});
}

TEST(NextRecordTest, CutsTheStreamByItsSizes) {
  std::vector<std::byte> bytes;
  Append(bytes, {.size = 8, .value = 1});
  Append(bytes, {.size = 13, .value = 2}, 5);  // the next one is not aligned
  Append(bytes, {.size = 8, .value = 3});
  std::span<const std::byte> stream(bytes);
  for (const uint32_t value : {1u, 2u, 3u}) {
    const auto record = NextRecordOf<TestRecord>(stream);
    ASSERT_TRUE(record && record->head);
    EXPECT_EQ(record->head->value, value);
    EXPECT_EQ(record->tail.size(), value == 2 ? 5u : 0u);
  }
  const auto end = NextRecordOf<TestRecord>(stream);
  ASSERT_TRUE(end);
  EXPECT_FALSE(end->head);
}

TEST(NextRecordTest, RefusesWhatIsNoRecord) {
  for (const uint32_t size : {0u, 1u, 7u, 9u, 0xffffffffu}) {
    std::vector<std::byte> bytes;
    Append(bytes, {.size = size});
    std::span<const std::byte> stream(bytes);
    const auto record = NextRecordOf<TestRecord>(stream);
    ASSERT_FALSE(record) << size;
    EXPECT_EQ(record.error().kind, ErrorKind::kInternal);
  }
  const std::vector<std::byte> two_bytes(2, std::byte{1});
  std::span<const std::byte> stream(two_bytes);
  EXPECT_FALSE(NextRecordOf<TestRecord>(stream));
}

TEST(FixedTextTest, EndsAtTheNulOrTheArray) {
  EXPECT_EQ(FixedText(std::span("ab\0cd", 5)), "ab");
  EXPECT_EQ(FixedText(std::span("abcd", 4)), "abcd");
  EXPECT_EQ(FixedText({}), "");
}

class IteratorStreamTest : public ReaderTest {
 protected:
  // The ids of the programs that an iterator lists.
  Snapshot List() {
    Start({.source = SourceChoice::kIterator});
    return Take();
  }
  void BendPrograms(const std::function<void(std::vector<std::byte>&)>& bend) {
    sys_.bend_stream = [bend](ObjectKind kind, std::vector<std::byte>& stream) {
      if (kind == ObjectKind::kProgram) bend(stream);
    };
  }
  void ExpectTorn(const std::vector<uint32_t>& kept) {
    AddMap(9);
    const Snapshot snapshot = List();
    const KindStatus& status = snapshot.StatusOf(ObjectKind::kProgram);
    EXPECT_FALSE(status.complete);
    ASSERT_TRUE(status.error);
    EXPECT_EQ(status.error->kind, ErrorKind::kInternal);
    EXPECT_EQ(Ids(snapshot.programs), kept);
    EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kMap).complete);
    EXPECT_NE(Find(snapshot.maps, 9), nullptr);
  }
};

void SetSize(std::vector<std::byte>& stream, size_t record, uint32_t size) {
  std::memcpy(stream.data() + record * sizeof(program_record), &size, sizeof size);
}

TEST_F(IteratorStreamTest, Fault34RecordsMaySpanReads) {
  for (uint32_t id = 1; id <= 40; ++id) AddProgram(id);
  for (const size_t read_size : {1u, 7u, 100u, 121u}) {
    sys_.read_size = read_size;
    const Snapshot snapshot = List();
    EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kProgram).complete);
    EXPECT_EQ(snapshot.programs.size(), sys_.programs.size());
  }
}

TEST_F(IteratorStreamTest, ManyReadsOfAFullBuffer) {
  for (uint32_t id = 1; id <= 3000; ++id) AddProgram(id);
  const Snapshot snapshot = List();
  EXPECT_EQ(snapshot.programs.size(), sys_.programs.size());
  EXPECT_GT(sys_.Calls(Method::kRead, ObjectKind::kProgram), 10);
}

TEST_F(IteratorStreamTest, Fault34GoesOnWhenTheKernelRestsOrASignalComes) {
  for (uint32_t id = 1; id <= 3000; ++id) AddProgram(id);
  sys_.Inject({.method = Method::kRead, .sys_errno = EAGAIN, .after = 1, .times = 2});
  sys_.Inject({.method = Method::kRead, .sys_errno = EINTR, .after = 3, .times = 1});
  const Snapshot snapshot = List();
  EXPECT_TRUE(snapshot.StatusOf(ObjectKind::kProgram).complete);
  EXPECT_EQ(snapshot.programs.size(), sys_.programs.size());
}

TEST_F(IteratorStreamTest, AReadThatFailsKeepsWhatWasReadBefore) {
  for (uint32_t id = 1; id <= 3000; ++id) AddProgram(id);
  sys_.read_size = 10 * sizeof(program_record);
  sys_.Inject(
      {.method = Method::kRead, .sys_errno = EIO, .kind = ObjectKind::kProgram, .after = 2});
  const Snapshot snapshot = List();
  EXPECT_FALSE(snapshot.StatusOf(ObjectKind::kProgram).complete);
  EXPECT_EQ(snapshot.programs.size(), 20u);
}

TEST_F(IteratorStreamTest, ARestWithoutEndStopsAtTheDeadline) {
  AddProgram(1);
  Start({.source = SourceChoice::kIterator});
  sys_.Inject({.method = Method::kRead, .sys_errno = EAGAIN, .kind = ObjectKind::kProgram});
  clock_.step = std::chrono::milliseconds(1);
  const Snapshot snapshot = Take(std::chrono::milliseconds(50));
  EXPECT_EQ(snapshot.StatusOf(ObjectKind::kProgram).error->kind, ErrorKind::kExhausted);
}

TEST_F(IteratorStreamTest, TornAtTheEnd) {
  AddProgram(1);
  AddProgram(2);
  BendPrograms([](auto& stream) { stream.resize(2 * sizeof(program_record) - 1); });
  ExpectTorn({1});
}

TEST_F(IteratorStreamTest, TornWithinTheSize) {
  AddProgram(1);
  BendPrograms([](auto& stream) { stream.resize(sizeof(program_record) + 3); });
  ExpectTorn({1});
}

TEST_F(IteratorStreamTest, HugeSize) {
  AddProgram(1);
  AddProgram(2);
  BendPrograms([](auto& stream) { SetSize(stream, 1, 0xfffffff0); });
  ExpectTorn({1});
}

TEST_F(IteratorStreamTest, SizeZero) {
  AddProgram(1);
  AddProgram(2);
  BendPrograms([](auto& stream) { SetSize(stream, 1, 0); });
  ExpectTorn({1});
}

TEST_F(IteratorStreamTest, ShorterThanTheStruct) {
  AddProgram(1);
  AddProgram(2);
  BendPrograms([](auto& stream) { SetSize(stream, 1, sizeof(program_record) - 8); });
  ExpectTorn({1});
}

}  // namespace
}  // namespace bpftally
