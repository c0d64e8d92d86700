#include "settings/endpoint_url.h"

#include <gtest/gtest.h>

#include <string>

namespace bpftally {
namespace {

void ExpectUrl(const std::string& text, const EndpointUrl& expected) {
  const auto url = ParseEndpointUrl(text);
  ASSERT_TRUE(url) << text;
  EXPECT_EQ(url->tls, expected.tls) << text;
  EXPECT_EQ(url->host, expected.host) << text;
  EXPECT_EQ(url->port, expected.port) << text;
  EXPECT_EQ(url->path, expected.path) << text;
}

TEST(EndpointUrlTest, ReadsWhatItIsMadeOf) {
  ExpectUrl("localhost", {{}, "localhost", "", ""});
  ExpectUrl("localhost:4317", {{}, "localhost", "4317", ""});
  ExpectUrl("http://10.0.0.1:1/", {false, "10.0.0.1", "1", "/"});
  ExpectUrl("HTTPS://my-host.example_1/a/b?c=d", {true, "my-host.example_1", "", "/a/b?c=d"});
  ExpectUrl("http://host?c=d", {false, "host", "", "?c=d"});
  ExpectUrl("[::1]:65535/x:y", {{}, "[::1]", "65535", "/x:y"});
  ExpectUrl("http://[fe80::1%eth0]", {false, "[fe80::1%eth0]", "", ""});
}

TEST(EndpointUrlTest, TakesNothingElse) {
  for (const char* const text : {"",
                                 "http://",
                                 "https:///path",
                                 ":4317",
                                 "host:",
                                 "host:0",
                                 "host:65536",
                                 "host:12x",
                                 "host:-1",
                                 "host:+1",
                                 "::1",
                                 "[::1",
                                 "[]",
                                 "[::1]x:1",
                                 "ftp://host",
                                 "unix:///run/socket",
                                 "http:/host",
                                 "user@host",
                                 "http://user:secret@host:1/",
                                 "ho st",
                                 "host\n",
                                 "host/a b",
                                 "host/a#b",
                                 "host/\x01",
                                 "host/\xc3\xa9",
                                 "h\xc3\xa9",
                                 "http://http://host"}) {
    EXPECT_FALSE(ParseEndpointUrl(text)) << text;
  }
}

}  // namespace
}  // namespace bpftally
