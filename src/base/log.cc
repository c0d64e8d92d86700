#include "base/log.h"

#include <spdlog/pattern_formatter.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/suggest.h"
#include "base/utf8.h"

namespace bpftally {
namespace {

// The message as the text between the quotes of a logfmt value or a JSON string: both escape alike.
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
  auto logger = std::make_shared<spdlog::logger>("bpftally",
                                                 std::make_shared<spdlog::sinks::stderr_sink_mt>());
  logger->set_formatter(std::move(formatter));
  logger->set_level(spdlog::level::from_str(std::string(level)));
  spdlog::set_default_logger(std::move(logger));
  return {};
}

}  // namespace bpftally
