#include "census/btf_names.h"

#include "btf/btf_blob.h"
#include "census/reader_fixture.h"

namespace bpftally {
namespace {

class BtfNamesTest : public ReaderTest {
 protected:
  void Put(const BtfBlob& blob) { sys_.btf[1].data = blob.Bytes(); }
  std::string MapName(const MapIdentity& map) {
    const auto name = names_.MapName(1, map);
    return name ? *name : "error: " + name.error().message;
  }

  BtfNames names_{sys_};
};

TEST_F(BtfNamesTest, NamesFunctionsAndTypedefs) {
  BtfBlob blob;
  const uint32_t function = blob.Function("a_function_with_a_long_name");
  const uint32_t alias = blob.Typedef("alias_t", blob.Int());
  Put(blob);
  EXPECT_EQ(names_.TypeName(1, function).value(), "a_function_with_a_long_name");
  EXPECT_EQ(names_.TypeName(1, alias).value(), "alias_t");
  EXPECT_EQ(names_.TypeName(1, 9999).value(), "");
}

TEST_F(BtfNamesTest, FindsAMapByItsFirstFifteenCharacters) {
  BtfBlob blob;
  blob.Variable("short", blob.Definition(blob.Int(), blob.Int()));
  blob.Variable("connections_by_address", blob.Definition(blob.Int(), blob.Int()));
  blob.Section(".maps");
  Put(blob);
  EXPECT_EQ(MapName({"connections_by_", blob.Int(), blob.Int()}), "connections_by_address");
  EXPECT_EQ(MapName({"short", blob.Int(), blob.Int()}), "short");
  EXPECT_EQ(MapName({"connections", blob.Int(), blob.Int()}), "");
}

TEST_F(BtfNamesTest, TypesOfKeyAndValueTellMapsApart) {
  BtfBlob blob;
  const uint32_t wide = blob.Integer("long", 8);
  blob.Variable("connections_by_port", blob.Definition(blob.Int(), blob.Int()));
  blob.Variable("connections_by_address", blob.Definition(wide, blob.Int()));
  blob.Variable("connections_by_state", blob.Definition(blob.Int(), wide));
  blob.Section(".maps");
  Put(blob);
  EXPECT_EQ(MapName({"connections_by_", blob.Int(), blob.Int()}), "connections_by_port");
  EXPECT_EQ(MapName({"connections_by_", wide, blob.Int()}), "connections_by_address");
  EXPECT_EQ(MapName({"connections_by_", blob.Int(), wide}), "connections_by_state");
  EXPECT_EQ(MapName({"connections_by_", wide, wide}), "");
}

TEST_F(BtfNamesTest, TwoThatFitGiveNone) {
  BtfBlob blob;
  blob.Variable("connections_by_port", blob.Definition(blob.Int(), blob.Int()));
  blob.Variable("connections_by_address", blob.Definition(blob.Int(), blob.Int()));
  blob.Section(".maps");
  Put(blob);
  EXPECT_EQ(MapName({"connections_by_", blob.Int(), blob.Int()}), "");
}

TEST_F(BtfNamesTest, AMapWithoutTypesOfItsOwnFitsByName) {
  BtfBlob blob;
  blob.Variable("connections_by_address", blob.Definition(blob.Int(), blob.Int()));
  blob.Section(".maps");
  Put(blob);
  EXPECT_EQ(MapName({"connections_by_", 0, 0}), "connections_by_address");
}

TEST_F(BtfNamesTest, TheDefinitionMayHideBehindATypedef) {
  BtfBlob blob;
  const uint32_t definition = blob.Definition(blob.Int(), blob.Int());
  blob.Variable("connections_by_address", blob.Typedef("map_t", definition));
  blob.Section(".maps");
  Put(blob);
  EXPECT_EQ(MapName({"connections_by_", blob.Int(), blob.Int()}), "connections_by_address");
}

TEST_F(BtfNamesTest, ARingOfTypedefsEnds) {
  BtfBlob blob;
  const uint32_t first = blob.Int() + 1;
  blob.Typedef("chicken", first + 1);
  blob.Typedef("egg", first);
  blob.Variable("connections_by_address", first);
  blob.Section(".maps");
  Put(blob);
  EXPECT_EQ(MapName({"connections_by_", 0, 0}), "");
}

TEST_F(BtfNamesTest, VariablesOfOtherSectionsAreNoMaps) {
  BtfBlob blob;
  blob.Variable("connections_by_address", blob.Definition(blob.Int(), blob.Int()));
  blob.Section(".data");
  Put(blob);
  EXPECT_EQ(MapName({"connections_by_", 0, 0}), "");
}

TEST_F(BtfNamesTest, AVariableThatIsNoMapDefinitionDoesNotFit) {
  BtfBlob blob;
  blob.Variable("connections_by_address", blob.Int());
  blob.Section(".maps");
  Put(blob);
  EXPECT_EQ(MapName({"connections_by_", 0, 0}), "");
}

TEST_F(BtfNamesTest, Fault13AVariableThatIsRepeatedIsOne) {
  BtfBlob blob;
  blob.Variable("connections_by_address", blob.Definition(blob.Int(), blob.Int()));
  blob.Section(".maps", 65'535);
  Put(blob);
  EXPECT_EQ(MapName({"connections_by_", blob.Int(), blob.Int()}), "connections_by_address");
}

TEST_F(BtfNamesTest, Fault13ALargeStructIsReadInPartAndHasItsName) {
  BtfBlob blob;
  const uint32_t wide = blob.Integer("long", 8);
  blob.Variable("short_definition", blob.LongDefinition(10, wide));
  blob.Variable("operations_of_a_scheduler", blob.LongDefinition(100, wide));
  blob.Section(".struct_ops.link");
  Put(blob);
  EXPECT_EQ(MapName({"short_definitio", blob.Int(), 0}), "");
  EXPECT_EQ(MapName({"operations_of_a", blob.Int(), 0}), "operations_of_a_scheduler");
}

TEST_F(BtfNamesTest, Fault13TooManyVariablesAreNoMaps) {
  for (const size_t others : {4095U, 4096U}) {
    names_.EndPass();
    BtfBlob blob;
    const uint32_t definition = blob.Definition(blob.Int(), blob.Int());
    blob.Variable("connections_by_address", definition);
    for (size_t i = 0; i < others; ++i) blob.Variable("other", definition);
    blob.Section(".maps");
    Put(blob);
    EXPECT_EQ(MapName({"connections_by_", 0, 0}), others < 4096 ? "connections_by_address" : "");
  }
}

// Each of these lookups took a minute when every entry had every member compared.
TEST_F(BtfNamesTest, Fault13CostlyTypesHoldNobodyUp) {
  BtfBlob blob;
  blob.Variable("connections_by_address", blob.LongDefinition(65'534, blob.Int()));
  blob.Section(".maps", 65'535);
  Put(blob);
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) MapName({"connections_by_", blob.Int(), blob.Int()});
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(20));
}

TEST_F(BtfNamesTest, GarbageGivesNoName) {
  BtfBlob blob;
  const uint32_t function = blob.Function("a_function_with_a_long_name");
  const std::vector<std::byte> good = blob.Bytes();
  for (size_t size = 0; size < good.size(); ++size) {  // cut anywhere
    names_.EndPass();
    sys_.btf[1].data.assign(good.begin(), good.begin() + static_cast<ptrdiff_t>(size));
    EXPECT_EQ(names_.TypeName(1, function).value(), "") << size;
  }
  for (size_t at = 0; at < good.size(); ++at) {  // damaged anywhere: any name, no crash
    names_.EndPass();
    sys_.btf[1].data = good;
    sys_.btf[1].data[at] ^= std::byte{0xff};
    EXPECT_TRUE(names_.TypeName(1, function)) << at;
    EXPECT_TRUE(names_.MapName(1, {"map", 0, 0})) << at;
  }
}

TEST_F(BtfNamesTest, IsParsedOncePerPass) {
  BtfBlob blob;
  const uint32_t function = blob.Function("f");
  Put(blob);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(names_.TypeName(1, function));
  EXPECT_EQ(sys_.Calls(Method::kOpenById), 1);
  names_.EndPass();
  EXPECT_TRUE(names_.TypeName(1, function));
  EXPECT_EQ(sys_.Calls(Method::kOpenById), 2);
  EXPECT_EQ(sys_.OpenObjects(), 0u);
}

class LargeBtfTest : public BtfNamesTest {
 protected:
  // Three objects of which two may be held at once.
  LargeBtfTest() {
    BtfBlob blob;
    blob.Typedef(std::string(12 << 20, 'x').c_str(), blob.Int());
    function_ = blob.Function("f");
    for (uint32_t id = 1; id <= 3; ++id) sys_.btf[id].data = blob.Bytes();
  }
  int Opened() const { return sys_.Calls(Method::kOpenById); }

  uint32_t function_ = 0;
};

TEST_F(LargeBtfTest, Fault13OnlySoMuchIsHeld) {
  const auto lookup = [&](uint32_t id) { EXPECT_EQ(names_.TypeName(id, function_).value(), "f"); };
  for (const uint32_t id : {1U, 2U, 1U, 2U}) lookup(id);
  EXPECT_EQ(Opened(), 2);
  for (const uint32_t id : {3U, 3U}) lookup(id);
  EXPECT_EQ(Opened(), 3);
  for (const uint32_t id : {1U, 3U}) lookup(id);
  EXPECT_EQ(Opened(), 4);
}

TEST_F(LargeBtfTest, Fault13ObjectsThatTakeTurnsAreNotReadForEver) {
  Result<std::string> name;
  for (uint32_t turn = 0; turn < 1000 && name; ++turn)
    name = names_.TypeName(turn % 3 + 1, function_);
  ASSERT_FALSE(name);
  EXPECT_EQ(name.error().kind, ErrorKind::kExhausted);
  EXPECT_LE(Opened(), 512 / 12 + 1);
  names_.EndPass();
  EXPECT_EQ(names_.TypeName(1, function_).value(), "f");
}

TEST_F(BtfNamesTest, FailuresAreToldAndNotRemembered) {
  BtfBlob blob;
  const uint32_t function = blob.Function("f");
  Put(blob);
  sys_.Inject({.method = Method::kOpenById, .sys_errno = EPERM, .times = 1});
  sys_.Inject({.method = Method::kObjectInfo, .sys_errno = ENOMEM, .after = 1, .times = 1});
  EXPECT_EQ(names_.TypeName(1, function).error().kind, ErrorKind::kPermission);
  EXPECT_EQ(names_.MapName(1, {"f", 0, 0}).error().kind, ErrorKind::kExhausted);
  EXPECT_EQ(names_.TypeName(1, function).value(), "f");
  EXPECT_EQ(names_.TypeName(2, function).error().kind, ErrorKind::kVanished);
}

}  // namespace
}  // namespace bpftally
