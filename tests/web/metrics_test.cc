#include "web/metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <zlib.h>

#include <map>
#include <optional>

#include "daemon/fakes.h"

namespace bpftally {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::HasSubstr;
using testing::Not;

std::string Header(const HttpResponse& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

std::string Gunzip(const std::string& data) {
  z_stream stream{};
  EXPECT_EQ(inflateInit2(&stream, 16 + MAX_WBITS), Z_OK);
  std::string text(1 << 20, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(data.data()));
  stream.avail_in = static_cast<uInt>(data.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

class MetricsHandlerTest : public testing::Test {
 protected:
  void SetUp() override {
    poller_.emplace(std::make_unique<FakeSource>(script_), TwoCollectors(clock_), clock_,
                    PollerOptions());
    poller_->Poll(seconds(0), clock_.Now() + seconds(10));
    handler_.emplace(*poller_, clock_, std::vector<std::string_view>{"alpha", "beta"});
  }
  ~MetricsHandlerTest() override { script_.Release(); }

  HttpResponse Get(std::vector<std::string> collect = {},
                   std::map<std::string, std::string, std::less<>> headers = {}) {
    const HttpRequest request{"GET", "/metrics",
                              [&](std::string_view key) {
                                return key == "collect[]" ? collect : std::vector<std::string>();
                              },
                              [&](std::string_view name) {
                                const auto header = headers.find(name);
                                return header == headers.end() ? std::string_view()
                                                               : std::string_view(header->second);
                              }};
    return handler_->Handle(request);
  }

  FakeClock clock_;
  SourceScript script_;
  std::optional<Poller> poller_;
  std::optional<MetricsHandler> handler_;
};

TEST_F(MetricsHandlerTest, ServesTextThatNobodyMayStore) {
  const HttpResponse response = Get();
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(Header(response, "Content-Type"), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(Header(response, "Cache-Control"), "no-store");
  EXPECT_EQ(Header(response, "Content-Encoding"), "");
  EXPECT_THAT(*response.body, HasSubstr("\ntake_alpha 1\n"));
  EXPECT_THAT(*response.body, HasSubstr("bpftally_collector_success{collector=\"beta\"} 1\n"));
}

TEST_F(MetricsHandlerTest, ServesOpenMetricsToWhoAcceptsIt) {
  const HttpResponse response =
      Get({}, {{"Accept", "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"}});
  EXPECT_THAT(Header(response, "Content-Type"), HasSubstr("application/openmetrics-text"));
  EXPECT_TRUE((*response.body).ends_with("# EOF\n"));
}

TEST_F(MetricsHandlerTest, CompressesForWhoAcceptsIt) {
  const HttpResponse response = Get({}, {{"Accept-Encoding", "deflate, gzip"}});
  EXPECT_EQ(Header(response, "Content-Encoding"), "gzip");
  EXPECT_EQ(Gunzip(*response.body), *Get().body);
}

TEST_F(MetricsHandlerTest, ServesOnlyTheCollectorsAskedFor) {
  const HttpResponse response = Get({"beta"});
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(*response.body, HasSubstr("\ntake_beta 1\n"));
  EXPECT_THAT(*response.body, Not(HasSubstr("take_alpha")));
  EXPECT_THAT(*response.body, HasSubstr("bpftally_collector_success"));
  EXPECT_EQ(*Get({"alpha", "beta"}).body, *Get().body);
}

TEST_F(MetricsHandlerTest, RefusesAnUnknownCollectorAndNamesThoseThereAre) {
  const HttpResponse response = Get({"alpha", "bta"});
  EXPECT_EQ(response.status, 400);
  EXPECT_THAT(*response.body, HasSubstr("\"bta\""));
  EXPECT_THAT(*response.body, HasSubstr("did you mean \"beta\"?"));
  EXPECT_THAT(*response.body, HasSubstr("alpha, beta"));
}

TEST_F(MetricsHandlerTest, ScrapesWithinASecondShareOnePoll) {
  clock_.Advance(seconds(1));
  EXPECT_THAT(*Get().body, HasSubstr("\ntake_alpha 1\n"));
  clock_.Advance(milliseconds(1));
  EXPECT_THAT(*Get().body, HasSubstr("\ntake_alpha 2\n"));
}

TEST_F(MetricsHandlerTest, WhoAskTheSameAtOnceShareOneText) {
  const HttpResponse first = Get();
  const HttpResponse second = Get();
  EXPECT_EQ((*first.body).data(), (*second.body).data());
  EXPECT_NE((*first.body).data(), (*Get({"alpha"}).body).data());
  EXPECT_NE((*first.body).data(), (*Get({}, {{"Accept-Encoding", "gzip"}}).body).data());
  clock_.Advance(seconds(2));
  EXPECT_NE((*first.body).data(), (*Get().body).data()) << "another poll";
}

TEST_F(MetricsHandlerTest, TheOrderOfCollectorsAndRepeatsMakeNoOtherText) {
  const HttpResponse first = Get({"alpha", "beta"});
  const HttpResponse second = Get({"beta", "alpha", "beta"});
  EXPECT_EQ((*first.body).data(), (*second.body).data());
}

TEST_F(MetricsHandlerTest, AnswersInTimeWhenTheKernelHangs) {
  clock_.Advance(seconds(5));
  script_.Hold();
  const auto start = std::chrono::steady_clock::now();
  const HttpResponse response = Get({}, {{"X-Prometheus-Scrape-Timeout-Seconds", "0.1"}});
  EXPECT_LT(std::chrono::steady_clock::now() - start, seconds(30));
  EXPECT_EQ(response.status, 200);
  EXPECT_THAT(*response.body, HasSubstr("bpftally_collector_success{collector=\"alpha\"} 0\n"));
  EXPECT_THAT(*response.body, HasSubstr("bpftally_collector_success{collector=\"beta\"} 0\n"));
  EXPECT_THAT(*response.body, Not(HasSubstr("take_alpha")));
}

TEST(ScrapeBudget, LeavesHalfASecondForTheWayBackButTakesHalfAtLeast) {
  EXPECT_EQ(ScrapeBudget("10"), milliseconds(9500));
  EXPECT_EQ(ScrapeBudget("10.000000"), milliseconds(9500));
  EXPECT_EQ(ScrapeBudget("1"), milliseconds(500));
  EXPECT_EQ(ScrapeBudget("0.5"), milliseconds(250));
}

TEST(ScrapeBudget, IsThatOfTenSecondsWhereNothingUsableIsSaid) {
  for (const char* said : {"", "0", "-1", "soon", "5s", "nan", "inf"})
    EXPECT_EQ(ScrapeBudget(said), milliseconds(9500)) << said;
}

TEST(ScrapeBudget, IsBounded) { EXPECT_EQ(ScrapeBudget("1e300"), milliseconds(599500)); }

}  // namespace
}  // namespace bpftally
