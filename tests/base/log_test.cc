#include "base/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>

namespace bpftally {
namespace {

using testing::HasSubstr;
using testing::MatchesRegex;

class LogTest : public testing::Test {
 protected:
  void SetUp() override {
    before_ = spdlog::default_logger();
    if (const char* stream = std::getenv("JOURNAL_STREAM"); stream != nullptr) journal_ = stream;
    unsetenv("JOURNAL_STREAM");
  }
  void TearDown() override {
    spdlog::set_default_logger(before_);
    if (!journal_.empty()) setenv("JOURNAL_STREAM", journal_.c_str(), 1);
  }

  static std::string Written(LogFormat format, const std::function<void()>& log) {
    testing::internal::CaptureStderr();
    EXPECT_TRUE(SetUpLogging("info", format));
    log();
    spdlog::default_logger()->flush();
    return testing::internal::GetCapturedStderr();
  }

 private:
  std::shared_ptr<spdlog::logger> before_;
  std::string journal_;
};

TEST_F(LogTest, LogfmtIsOneLineWithTimeInUtc) {
  const std::string line =
      Written(LogFormat::kLogfmt, [] { spdlog::warn("map {} is \"full\"\nnext", 7); });
  EXPECT_THAT(line,
              MatchesRegex("time=[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{3}Z "
                           "level=warning msg=\"map 7 is \\\\\"full\\\\\"\\\\u000anext\"\n"));
}

TEST_F(LogTest, JsonIsOneObjectALine) {
  const std::string line =
      Written(LogFormat::kJson, [] { spdlog::error("back\\slash\tand {}", "tab"); });
  EXPECT_THAT(line, MatchesRegex("\\{\"time\":\"[-0-9T:.]*Z\",\"level\":\"error\","
                                 "\"msg\":\"back\\\\\\\\slash\\\\u0009and tab\"\\}\n"));
}

TEST_F(LogTest, InvalidBytesAreReplaced) {
  const std::string line = Written(LogFormat::kJson, [] { spdlog::info("name \xFF"); });
  EXPECT_THAT(line, HasSubstr("\"msg\":\"name \uFFFD\""));
}

TEST_F(LogTest, TheJournalAddsItsOwnTime) {
  setenv("JOURNAL_STREAM", "8:1234", 1);
  EXPECT_EQ(Written(LogFormat::kLogfmt, [] { spdlog::info("hello"); }),
            "level=info msg=\"hello\"\n");
  EXPECT_EQ(Written(LogFormat::kJson, [] { spdlog::info("hello"); }),
            "{\"level\":\"info\",\"msg\":\"hello\"}\n");
  unsetenv("JOURNAL_STREAM");
}

// A pipe as stderr that nobody reads.
class FullPipe {
 public:
  FullPipe() : before_(dup(STDERR_FILENO)) {
    EXPECT_EQ(pipe2(ends_.data(), O_CLOEXEC), 0);
    EXPECT_EQ(dup2(ends_[1], STDERR_FILENO), STDERR_FILENO);
  }
  FullPipe(const FullPipe&) = delete;
  FullPipe& operator=(const FullPipe&) = delete;
  ~FullPipe() {
    dup2(before_, STDERR_FILENO);
    for (const int fd : {before_, ends_[0], ends_[1]}) close(fd);
  }

  // Returns the pipe's contents, at most 64 KiB.
  std::string Drain() const {
    std::string text(65536, '\0');
    const ssize_t got = read(ends_[0], text.data(), text.size());
    text.resize(got > 0 ? static_cast<size_t>(got) : 0);
    return text;
  }

 private:
  int before_;
  std::array<int, 2> ends_ = {-1, -1};
};

TEST_F(LogTest, Fault37AFullPipeNeverBlocksAndDropsAreCounted) {
  const FullPipe pipe;
  ASSERT_TRUE(SetUpLogging("info", LogFormat::kLogfmt));
  for (int i = 0; i < 1000; ++i) spdlog::info("{:500}", i);  // returns, since no call blocks
  EXPECT_THAT(pipe.Drain(), HasSubstr("msg=\""));
  spdlog::info("there is room again");
  EXPECT_THAT(
      pipe.Drain(),
      MatchesRegex(
          ".*level=warning msg=\"[0-9]+ log lines were dropped: their reader was too slow\"\n"
          ".*msg=\"there is room again\"\n"));
}

TEST_F(LogTest, MessagesBelowTheLevelAreSilent) {
  EXPECT_EQ(Written(LogFormat::kLogfmt, [] { spdlog::debug("detail"); }), "");
}

TEST_F(LogTest, EveryDocumentedLevelIsAccepted) {
  for (const char* level : {"debug", "info", "warn", "error"})
    EXPECT_TRUE(SetUpLogging(level, LogFormat::kLogfmt)) << level;
}

TEST_F(LogTest, AnUnknownLevelIsRefusedWithAHint) {
  const Result<void> result = SetUpLogging("wran", LogFormat::kLogfmt);
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().kind, ErrorKind::kInvalid);
  EXPECT_THAT(result.error().message, HasSubstr("debug, info, warn, error"));
  EXPECT_THAT(result.error().message, HasSubstr("did you mean \"warn\"?"));
}

}  // namespace
}  // namespace bpftally
