#include "base/json_writer.h"

#include <gtest/gtest.h>

namespace bpftally {
namespace {

TEST(JsonWriter, NestedValues_CommasComeByThemselves) {
  JsonWriter json;
  json.BeginObject().Member("a", 1).Member("b", true).Key("list").BeginList();
  json.Value(-2).BeginObject().EndObject().Value("x").EndList();
  json.Key("none").BeginList().EndList().EndObject();
  EXPECT_EQ(json.text(), R"({"a": 1, "b": true, "list": [-2, {}, "x"], "none": []})");
}

TEST(JsonWriter, AnyBytes_AreEscapedUtf8) {
  JsonWriter json;
  json.Value("q\" b\\ n\n \x01 \xff \xC3\xB6");
  EXPECT_EQ(json.text(), "\"q\\\" b\\\\ n\\u000a \\u0001 \xEF\xBF\xBD \xC3\xB6\"");
}

}  // namespace
}  // namespace bpftally
