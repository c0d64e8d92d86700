#include "base/log.h"

#include <limits.h>
#include <poll.h>
#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>

#include "base/suggest.h"
#include "base/utf8.h"

namespace bpftally {
namespace {

// Escapes text for a quoted logfmt value or a JSON string, whose rules are the same here.
void AppendEscaped(std::string_view text, spdlog::memory_buf_t& out) {
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      fmt::format_to(std::back_inserter(out), "\\u{:04x}", static_cast<unsigned>(c));
    } else {
      out.push_back(c);
    }
  }
}

class EscapedMessage final : public spdlog::custom_flag_formatter {
 public:
  void format(const spdlog::details::log_msg& message, const std::tm&,
              spdlog::memory_buf_t& out) override {
    AppendEscaped(ToValidUtf8({message.payload.data(), message.payload.size()}), out);
  }
  std::unique_ptr<custom_flag_formatter> clone() const override {
    return std::make_unique<EscapedMessage>();
  }
};

// Writes to stderr, but never blocks on its reader: lines that a full pipe or a stopped terminal
// has no room for are dropped, and their number is logged once there is room.
class NonBlockingSink final : public spdlog::sinks::base_sink<std::mutex> {
 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!HasRoom()) {
      ++dropped_;
      return;
    }
    if (dropped_ > 0) {
      const std::string text =
          fmt::format("{} log lines were dropped: their reader was too slow", dropped_);
      Write(spdlog::details::log_msg(message.time, {}, {}, spdlog::level::warn, text));
      dropped_ = 0;
    }
    Write(message);
  }
  void flush_() override {}

 private:
  // False also if the reader is gone: writing would end a process that does not ignore SIGPIPE.
  static bool HasRoom() {
    pollfd error{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
    return ::poll(&error, 1, 0) == 1 && error.revents == POLLOUT;
  }

  void Write(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    // Writes in parts that a pipe with room accepts without blocking.
    for (size_t at = 0; at < line.size() && HasRoom();) {
      const ssize_t written =
          ::write(STDERR_FILENO, line.data() + at, std::min<size_t>(line.size() - at, PIPE_BUF));
      if (written <= 0) return;
      at += static_cast<size_t>(written);
    }
  }

  size_t dropped_ = 0;
};

std::string Pattern(LogFormat format) {
  const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
  if (format == LogFormat::kJson) {
    return std::string(journal ? "{" : "{\"time\":\"%Y-%m-%dT%H:%M:%S.%eZ\",") +
           "\"level\":\"%l\",\"msg\":\"%*\"}";
  }
  return std::string(journal ? "" : "time=%Y-%m-%dT%H:%M:%S.%eZ ") + "level=%l msg=\"%*\"";
}

}  // namespace

Result<void> SetUpLogging(std::string_view level, LogFormat format) {
  constexpr auto kLevels = std::to_array<std::string_view>({"debug", "info", "warn", "error"});
  if (std::ranges::find(kLevels, level) == kLevels.end()) {
    return std::unexpected(
        Error{ErrorKind::kInvalid, 0,
              fmt::format("log level \"{}\" is none of debug, info, warn, error{}", level,
                          DidYouMean(level, kLevels))});
  }
  auto formatter = std::make_unique<spdlog::pattern_formatter>(spdlog::pattern_time_type::utc);
  formatter->add_flag<EscapedMessage>('*').set_pattern(Pattern(format));
  auto logger = std::make_shared<spdlog::logger>("bpftally", std::make_shared<NonBlockingSink>());
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog::level::from_str(std::string(level)));
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace bpftally
