#include "export/prometheus/text_format.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <string_view>

namespace bpftally {
namespace {

constexpr TextFormat kOld = TextFormat::kPrometheus004;
constexpr TextFormat kOpen = TextFormat::kOpenMetrics100;

TEST(TextFormatTest, ContentTypes) {
  EXPECT_EQ(ContentType(kOld), "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(ContentType(kOpen), "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

struct AcceptCase {
  std::string_view accept;
  TextFormat format;
};

void ExpectAnswers(std::initializer_list<AcceptCase> cases) {
  for (const AcceptCase& c : cases) EXPECT_EQ(NegotiateFormat(c.accept), c.format) << c.accept;
}

TEST(NegotiateFormatTest, Clients) {
  ExpectAnswers({{"", kOld},     // no header
                 {"*/*", kOld},  // curl
                 {"text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8",
                  kOld},  // a browser
                 {"application/openmetrics-text; version=0.0.1,text/plain;version=0.0.4;q=0.5,"
                  "*/*;q=0.1",
                  kOld},  // Prometheus 2.5 to 2.33, which does not know 1.0.0
                 {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;"
                  "version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                  kOpen},  // Prometheus 2.34 and later
                 {"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
                  "encoding=delimited,application/openmetrics-text;version=1.0.0;q=0.8,"
                  "application/openmetrics-text;version=0.0.1;q=0.75,"
                  "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
                  kOpen},  // with native histograms
                 {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
                  "application/openmetrics-text;version=0.0.1;q=0.4,"
                  "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.3,"
                  "text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
                  kOpen},  // Prometheus 3
                 {"text/plain;version=0.0.4;q=1,*/*;q=0.1", kOld}});
}

TEST(NegotiateFormatTest, Rules) {
  ExpectAnswers(
      {{"application/openmetrics-text", kOpen},
       {"APPLICATION/OpenMetrics-Text ; VERSION=1.0.0", kOpen},
       {"application/openmetrics-text;version=\"1.0.0\"", kOpen},
       {"application/openmetrics-text;version=0.0.1", kOld},
       {"application/openmetrics-text;version=2.0.0", kOld},
       {"application/openmetrics-text;charset=utf-8", kOpen},
       {"application/openmetrics-text;q=0", kOld},
       {"application/openmetrics-text;q=0.000,*/*", kOld},
       {"application/openmetrics-text;q=0.001", kOpen},
       {"application/*", kOpen},
       {"application/*;q=0.4,text/*;q=0.5", kOld},
       {"application/*;q=0.5,text/*;q=0.4", kOpen},
       {"text/plain;q=0.4,application/openmetrics-text;q=0.5", kOpen},
       {"text/plain;q=0.5,application/openmetrics-text;q=0.4", kOld},
       {"text/plain,application/openmetrics-text", kOld},  // equal q: the simpler one
       {"*/*,application/openmetrics-text", kOpen},        // equal q: the named one
       {"text/plain;q=0,*/*", kOpen},                      // the more specific entry counts
       {"application/openmetrics-text;q=0.1,*/*;q=0.9", kOld},
       {"text/plain;version=1.0.0,application/openmetrics-text;q=0.1", kOpen},
       {"application/openmetrics-text;q=0.9,application/openmetrics-text;q=0.1,text/plain;q=0.5",
        kOpen},  // repeated: the higher q counts
       {"application/json", kOld},
       {"application/json,application/openmetrics-text;q=0.1,text/plain;q=0.2", kOld}});
}

TEST(NegotiateFormatTest, Garbage) {
  ExpectAnswers({{",;,,;=;q=,\"", kOld},
                 {std::string_view("\0\xff", 2), kOld},
                 {"application/openmetrics-text;q=2", kOld},
                 {"application/openmetrics-text;q=-1", kOld},
                 {"application/openmetrics-text;q=nan", kOld},
                 {"application/openmetrics-text;q=0.5x", kOld},
                 {"application/openmetrics-text;q", kOld},
                 {"text/plain;q=0.5;x=\",application/openmetrics-text;y=\"", kOld},
                 {" , ;;, application/openmetrics-text ; ; q = 0.7 ,,", kOpen},
                 {"application/openmetrics-text;version=\"", kOld},
                 {"application/openmetrics-textual", kOld}});
}

TEST(AcceptsGzipTest, Yes) {
  for (const std::string_view header :
       {"gzip", "GZIP", "x-gzip", "*", "deflate, gzip", "gzip;q=0.1", "identity;q=1, gzip;q=0.5",
        "*;q=0, gzip", " gzip ; q=1.000", "br;q=1.0,gzip;q=0.8, *;q=0.1", "gzip;q=x, *"}) {
    EXPECT_TRUE(AcceptsGzip(header)) << header;
  }
}

TEST(AcceptsGzipTest, No) {
  for (const std::string_view header :
       {"", "identity", "deflate, br", "gzip;q=0", "gzip;q=0.000", "*;q=0", "*, gzip;q=0",
        "gzip;q=0, *", "gzipped", "xgzip", "gzip;q=7", ",,;"}) {
    EXPECT_FALSE(AcceptsGzip(header)) << header;
  }
}

}  // namespace
}  // namespace bpftally
