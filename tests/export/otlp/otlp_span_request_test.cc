#include "export/otlp/otlp_span_request.h"

#include <gmock/gmock.h>

#include "export/otlp/otlp_decoder.h"

namespace bpftally {
namespace {

using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::UnorderedElementsAre;

using Spans = std::vector<std::shared_ptr<const SpanRecord>>;

const OtlpAttributes kResource = {{"service.name", "bpftally"}, {"host.name", "here"}};

std::shared_ptr<const SpanRecord> Span(std::string name, std::string service = "") {
  return std::make_shared<SpanRecord>(SpanRecord{.trace_id = {1},
                                                 .span_id = {2},
                                                 .name = std::move(name),
                                                 .service = std::move(service),
                                                 .attributes = {}});
}

std::vector<OtlpSpan> Encoded(const Spans& spans) {
  const OtlpChunk chunk = EncodeSpans(spans, kResource, "1.0", {});
  EXPECT_EQ(chunk.points, spans.size());
  return DecodeOtlpSpans(chunk.request).value();
}

TEST(SpanRequest, HoldsAllOfASpan) {
  SpanRecord span{.trace_id = {0xab, 0, 0xcd},
                  .span_id = {0, 7},
                  .parent_span_id = {9},
                  .start_time_ns = 1'700'000'000'000'000'001,
                  .duration_ns = 250,
                  .name = "open",
                  .attributes = {{"errno", "ENOENT"}, {"path", ""}}};
  const auto decoded = Encoded({std::make_shared<SpanRecord>(span)}).at(0);
  EXPECT_EQ(decoded.trace_id, std::string("\xab\0\xcd\0\0\0\0\0\0\0\0\0\0\0\0\0", 16));
  EXPECT_EQ(decoded.span_id, std::string("\0\7\0\0\0\0\0\0", 8));
  EXPECT_EQ(decoded.parent_span_id, std::string("\x9\0\0\0\0\0\0\0", 8));
  EXPECT_EQ(decoded.start_ns, 1'700'000'000'000'000'001U);
  EXPECT_EQ(decoded.end_ns, 1'700'000'000'000'000'251U);
  EXPECT_EQ(decoded.name, "open");
  EXPECT_THAT(decoded.attributes, UnorderedElementsAre(Pair("errno", "ENOENT"), Pair("path", "")));
  EXPECT_EQ(decoded.scope_name, "bpftally");

  span.parent_span_id = {};
  span.duration_ns = UINT64_MAX;
  const auto endless = Encoded({std::make_shared<SpanRecord>(span)}).at(0);
  EXPECT_THAT(endless.parent_span_id, IsEmpty()) << "a root has none";
  EXPECT_EQ(endless.end_ns, UINT64_MAX) << "it does not end before it starts";
}

TEST(SpanRequest, AServiceHasAResourceOfItsName) {
  const auto spans = Encoded({Span("a"), Span("b", "files"), Span("c"), Span("d", "files")});
  ASSERT_EQ(spans.size(), 4U);
  for (const OtlpSpan& span : spans) {
    const bool own = span.name == "a" || span.name == "c";
    EXPECT_THAT(span.resource,
                UnorderedElementsAre(Pair("service.name", own ? "bpftally" : "files"),
                                     Pair("host.name", "here")));
  }
}

TEST(SpanRequest, KeepsTheLimitsExceptForOneLargeSpan) {
  const Spans spans = {Span(std::string(400, 'x')), Span(std::string(400, 'y')),
                       Span(std::string(400, 'z'), "another")};
  EXPECT_EQ(EncodeSpans(spans, kResource, "1", {.points = 2}).points, 2U);
  EXPECT_EQ(EncodeSpans(spans, kResource, "1", {.bytes = 10}).points, 1U);
  size_t before = 0;
  for (size_t bytes = 600; bytes < 1800; ++bytes) {
    const OtlpChunk chunk = EncodeSpans(spans, kResource, "1", {.bytes = bytes});
    EXPECT_LE(chunk.request.size(), bytes);
    EXPECT_GE(chunk.points, before);
    before = chunk.points;
  }
  EXPECT_EQ(before, 3U);
}

}  // namespace
}  // namespace bpftally
