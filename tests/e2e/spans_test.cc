// Spans of a metric program: from the kernel's events to an OTLP receiver, in the real binary.

#include <gmock/gmock.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <set>

#include "build_paths.h"
#include "e2e/exporter.h"
#include "export/otlp/otlp_decoder.h"
#include "export/otlp/otlp_receivers.h"

namespace bpftally {
namespace {

using std::chrono::seconds;
using ::testing::AllOf;
using testing::GrpcReceiver;
using ::testing::HasSubstr;
using testing::HttpAnswerText;
using testing::HttpReceiver;
using ::testing::Not;
using ::testing::Pair;
using testing::Received;
using ::testing::UnorderedElementsAre;

constexpr std::string_view kSpans = R"(tracing:
  spans:
    - name: whole
      ringbuf: whole_spans
      service: makers
      labels:
        - {name: trace_id, size: 16, decoders: [{name: hex}]}
        - {name: parent_span_id, size: 8, decoders: [{name: hex}]}
        - {name: span_id, size: 8, decoders: [{name: hex}]}
        - {name: span_monotonic_timestamp_ns, size: 8, decoders: [{name: uint}]}
        - {name: span_duration_ns, size: 8, decoders: [{name: uint}]}
        - {name: number, size: 4, decoders: [{name: uint}]}
    - name: bare
      ringbuf: bare_spans
      labels:
        - {name: number, size: 4, decoders: [{name: uint}]}
)";

uint64_t Now() {
  return static_cast<uint64_t>(std::chrono::system_clock::now().time_since_epoch() /
                               std::chrono::nanoseconds(1));
}

// The calls that the program makes spans of.
void MakeSpans(uint32_t count) {
  std::array<char, 16> former{};
  ::prctl(PR_GET_NAME, former.data());
  ::prctl(PR_SET_NAME, "span-maker");
  for (uint32_t i = 0; i < count; ++i) ::getppid();
  ::prctl(PR_SET_NAME, former.data());
}

std::vector<OtlpSpan> SpansOf(const std::vector<Received>& requests, std::string_view target,
                              std::string_view name) {
  std::vector<OtlpSpan> found;
  for (const Received& request : requests) {
    if (request.target != target) continue;
    auto spans = DecodeOtlpSpans(request.message);
    for (OtlpSpan& span : *spans)
      if (span.name == name) found.push_back(std::move(span));
  }
  return found;
}

std::set<std::string> Numbers(const std::vector<OtlpSpan>& spans) {
  std::set<std::string> numbers;
  for (const OtlpSpan& span : spans) numbers.insert(span.attributes.at("number"));
  return numbers;
}

class SpansOnKernel : public ::testing::Test {
 protected:
  void SetUp() override {
    if (geteuid() != 0) GTEST_SKIP() << "not root: nobody lets us load BPF programs";
    std::filesystem::copy_file(BPFTALLY_BINARY_DIR "/tests/programs/span_events.bpf.o",
                               folder_.Path("spans.bpf.o"));
    WriteFile(folder_.Path("spans.yaml"), std::string(kSpans));
  }

  std::vector<std::string> Flags(std::vector<std::string> more) const {
    more.insert(more.begin(), {"--config.dir=" + folder_.Path(""), "--config.names=spans"});
    return more;
  }

  TempDirectory folder_;
};

TEST_F(SpansOnKernel, EachEventIsASpanAtTheReceiver) {
  constexpr uint32_t kCalls = 1500;
  const GrpcReceiver receiver({});
  Exporter exporter(
      Flags({"--otlp-grpc", receiver.address(), "--otlp-interval=1h", "--capabilities.keep=none"}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  const auto received = [&](std::string_view name) {
    return SpansOf(receiver.received(), "traces", name);
  };
  const uint64_t began = Now();
  MakeSpans(kCalls);
  const uint64_t ended = Now();
  EXPECT_TRUE(Eventually([&] {
    return received("whole").size() >= kCalls && received("bare").size() >= kCalls;
  })) << exporter.process().errors();

  const auto whole = received("whole");
  EXPECT_EQ(whole.size(), kCalls);
  EXPECT_EQ(Numbers(whole).size(), kCalls) << "each once";
  constexpr uint64_t kSlack = 100'000'000;  // between the reading of two clocks
  for (const OtlpSpan& span : whole) {
    const auto number = static_cast<unsigned>(std::stoul(span.attributes.at("number")));
    std::string trace_id(16, '\0');
    trace_id.front() = '\xab';
    trace_id.back() = static_cast<char>(number % 100);
    ASSERT_EQ(span.trace_id, trace_id);
    ASSERT_EQ(span.span_id, (std::string{1, 0, 0, 0, 0, 0, static_cast<char>(number >> 8),
                                         static_cast<char>(number)}));
    ASSERT_EQ(span.parent_span_id.empty(), number % 2 == 0);
    ASSERT_EQ(span.end_ns - span.start_ns, 1000U);
    ASSERT_GT(span.start_ns, began - kSlack);
    ASSERT_LT(span.start_ns, ended + kSlack);
    ASSERT_EQ(span.resource.at("service.name"), "makers");
    ASSERT_THAT(span.attributes, UnorderedElementsAre(Pair("ebpf_exporter.config", "spans"),
                                                      Pair("number", std::to_string(number))));
  }

  std::set<std::string> made_up;
  for (const OtlpSpan& span : received("bare")) {
    made_up.insert(span.trace_id);
    ASSERT_EQ(span.resource.at("service.name"), "bpftally");
  }
  EXPECT_EQ(made_up.size(), kCalls);
  EXPECT_EQ(Numbers(received("bare")), Numbers(whole));
  EXPECT_THAT(
      exporter.Get("/metrics").body,
      AllOf(HasSubstr("\nbpftally_program_spans_total{config=\"spans\",span=\"whole\"} 1500\n"),
            HasSubstr("\nbpftally_program_spans_dropped_total{config=\"spans\",span=\"bare\"} 0\n"),
            HasSubstr("\nbpftally_otlp_spans_total{endpoint=\"" + receiver.address() +
                      "\",outcome=\"accepted\"} 3000\n")));
}

TEST_F(SpansOnKernel, TheLastOnesArriveToo) {
  const HttpReceiver receiver([](const Received&) { return HttpAnswerText("200 OK"); });
  Exporter exporter(Flags({"--otlp-http", receiver.url()}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  MakeSpans(7);
  ASSERT_TRUE(Eventually([&] {
    return exporter.Get("/metrics")
        .body.contains("\nbpftally_program_spans_total{config=\"spans\",span=\"bare\"} 7\n");
  }));
  exporter.process().Signal(SIGTERM);
  EXPECT_EQ(exporter.process().Wait(seconds(30)), 0) << exporter.process().errors();
  EXPECT_EQ(SpansOf(receiver.received(), "POST /v1/traces", "whole").size(), 7U);
  EXPECT_EQ(SpansOf(receiver.received(), "POST /v1/traces", "bare").size(), 7U);
}

TEST_F(SpansOnKernel, WithoutAReceiverTheirEventsAreNotRead) {
  Exporter exporter(Flags({}));
  ASSERT_NE(exporter.WaitForPort(), 0) << exporter.process().errors();
  EXPECT_THAT(exporter.process().errors(), HasSubstr("the spans of spans are not read"));
  MakeSpans(3);
  EXPECT_THAT(exporter.Get("/metrics").body, Not(HasSubstr("\nbpftally_program_spans_total{")));
}

}  // namespace
}  // namespace bpftally
