// What a receiver sends back: any bytes, and an exporter that goes by them.

#include <spdlog/spdlog.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/utf8.h"
#include "daemon/fakes.h"
#include "export/otlp/otlp_exporter.h"
#include "export/otlp/otlp_fakes.h"
#include "export/otlp/otlp_reply.h"
#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_input.h"

namespace bpftally {
namespace {

using std::chrono::seconds;

void CheckText(const std::string& text) {
  constexpr size_t kMost = 3 * 256 + 3;  // each byte may become U+FFFD
  Require(IsValidUtf8(text) && text.size() <= kMost, "text for a log is short UTF-8", text);
  Require(std::ranges::none_of(text, [](unsigned char c) { return c < ' ' || c == 0x7f; }),
          "and one line", text);
}

// As the transports put them together.
OtlpReply TakeReply(FuzzInput& input) {
  constexpr size_t kMost = 200;
  const auto outcome = static_cast<OtlpReply::Outcome>(input.Below(4));
  const std::string_view bytes = input.Text(kMost);
  if (outcome == OtlpReply::Outcome::kAccepted) return ReadAcceptance(bytes);
  RpcStatus status = ReadRpcStatus(bytes);
  return {.outcome = outcome, .retry_after = status.retry_delay, .message = status.message};
}

class Transport final : public OtlpTransport {
 public:
  explicit Transport(FuzzInput& input) : input_(input) {}
  OtlpReply Send(OtlpSignal, std::string, std::chrono::steady_clock::time_point,
                 std::stop_token) override {
    OtlpReply reply = TakeReply(input_);
    CheckText(reply.message);
    Require(reply.retry_after.value_or(seconds(0)) >= seconds(0), "nobody waits for the past");
    return reply;
  }

 private:
  FuzzInput& input_;
};

void Check(FuzzInput input) {
  constexpr size_t kPoints = 20;
  FakeClock clock;
  OtlpExporter exporter({.endpoint = "receiver",
                         .request_timeout = seconds(10),
                         .transport = std::make_shared<Transport>(input),
                         .encoder = OtlpEncoder({}, OtlpTemporality::kDelta, "1", 1),
                         .random = [] { return 0.5; }},
                        clock);
  for (uint64_t exports = 1; !input.empty() && exports <= 4; ++exports) {
    exporter.Export(testing::BatchOf(kPoints, static_cast<int64_t>(exports)),
                    {.deadline = clock.Now() + seconds(30),
                     .renew = clock.Now() + seconds(60),
                     .cancel = {},
                     .wait = [&](auto time) {
                       Require(time >= clock.Now(), "a wait is for the future");
                       clock.Advance(time - clock.Now());
                       return true;
                     }});
    const OtlpEndpointStats stats = exporter.Stats();
    Require(stats.succeeded + stats.failed == exports, "each export succeeds or fails");
    Require(
        stats.points_accepted + stats.points_rejected + stats.points_dropped == exports * kPoints,
        "each point is accounted for");
  }
}

}  // namespace
}  // namespace bpftally

extern "C" int LLVMFuzzerInitialize(int*, char***) {
  spdlog::set_level(spdlog::level::off);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpftally::Check({data, size});
  return 0;
}
