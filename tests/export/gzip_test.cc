#include "export/gzip.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <random>
#include <string>
#include <string_view>

namespace bpftally {
namespace {

constexpr size_t kMebibyte = size_t{1} << 20;
constexpr size_t kChunkBytes = 7'001;  // does not divide any buffer size

std::string Gzip(std::string_view text) {
  std::string packed;
  GzipStream stream(&packed);
  for (size_t at = 0; at < text.size(); at += kChunkBytes) {
    stream.Write(text.substr(at, kChunkBytes));
  }
  stream.Finish();
  return packed;
}

// Inflates exactly one gzip member; empty if there is anything else.
std::string Inflate(std::string packed, size_t expected_size) {
  constexpr int kGzipOnly = MAX_WBITS + 16;
  std::string text(expected_size + 1, '\0');
  z_stream stream = {};
  EXPECT_EQ(inflateInit2(&stream, kGzipOnly), Z_OK);
  stream.next_in = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_in = static_cast<uInt>(packed.size());
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  EXPECT_EQ(inflate(&stream, Z_FINISH), Z_STREAM_END);
  EXPECT_EQ(stream.avail_in, 0U);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return text;
}

std::string RandomBytes(size_t size) {
  std::mt19937_64 random(1);
  std::string bytes(size, '\0');
  std::ranges::generate(bytes, [&] { return static_cast<char>(random()); });
  return bytes;
}

TEST(GzipTest, InflatesToWhatWasWritten) {
  for (const std::string& text : {std::string(), std::string("x"), std::string("# EOF\n"),
                                  std::string(3 * kMebibyte, 'a'), RandomBytes(2 * kMebibyte)}) {
    EXPECT_TRUE(Inflate(Gzip(text), text.size()) == text) << text.size() << " bytes";
  }
}

TEST(GzipTest, Compresses) {
  constexpr size_t kAtLeast = 100;
  EXPECT_LT(Gzip(std::string(kMebibyte, 'a')).size(), kMebibyte / kAtLeast);
}

TEST(GzipTest, EmptyWritesChangeNothing) {
  std::string packed;
  GzipStream stream(&packed);
  stream.Write("");
  stream.Write("text");
  stream.Write({});
  stream.Finish();
  EXPECT_EQ(Inflate(packed, 4), "text");
}

TEST(GzipTest, AppendsAsItIsWritten) {
  std::string packed = "before";
  GzipStream stream(&packed);
  stream.Write(RandomBytes(kMebibyte));
  EXPECT_GT(packed.size(), kMebibyte / 2);  // incompressible input must not pile up inside
  stream.Finish();
  EXPECT_TRUE(packed.starts_with("before"));
  EXPECT_TRUE(Inflate(packed.substr(6), kMebibyte) == RandomBytes(kMebibyte));
}

TEST(GzipTest, UnfinishedStreamIsReleased) {
  std::string packed;
  GzipStream stream(&packed);
  stream.Write("text");
}  // checked by the leak checker of the asan preset

TEST(GzipTest, ZlibReadsTheOutput) {
  const std::string path = testing::TempDir() + fmt::format("gzip_test.{}", getpid());
  const std::string text = "bpf_programs{type=\"xdp\"} 3\n";
  std::ofstream(path, std::ios::binary) << Gzip(text);
  gzFile file = gzopen(path.c_str(), "rb");
  ASSERT_NE(file, nullptr);
  std::array<char, 100> read;
  const int size = gzread(file, read.data(), read.size());
  EXPECT_FALSE(gzdirect(file));  // otherwise it would read plain text too
  EXPECT_EQ(gzclose(file), Z_OK);
  (void)std::remove(path.c_str());
  ASSERT_GT(size, 0);
  EXPECT_EQ(std::string_view(read.data(), static_cast<size_t>(size)), text);
}

}  // namespace
}  // namespace bpftally
