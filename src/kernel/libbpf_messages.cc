#include "kernel/libbpf_messages.h"

#include <bpf/libbpf.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdarg>
#include <cstdio>

namespace bpftally {
namespace {

constexpr size_t kMaxLines = 64;

thread_local LibbpfWarnings* listener = nullptr;

int Print(libbpf_print_level level, const char* format, va_list arguments) {
  std::array<char, 1024> text{};
  const int length = std::vsnprintf(text.data(), text.size(), format, arguments);
  if (length <= 0) return 0;
  std::string_view line(text.data());
  line = line.substr(0, line.find_last_not_of('\n') + 1);
  if (line.starts_with("libbpf: ")) line.remove_prefix(sizeof "libbpf: " - 1);
  if (level == LIBBPF_WARN && listener != nullptr) listener->Add(line);
  spdlog::debug("libbpf: {}", line);
  return 0;
}

}  // namespace

void SendLibbpfMessagesToLog() { libbpf_set_print(Print); }

LibbpfWarnings::LibbpfWarnings() : outer_(listener) {
  SendLibbpfMessagesToLog();
  listener = this;
}

LibbpfWarnings::~LibbpfWarnings() { listener = outer_; }

void LibbpfWarnings::Add(std::string_view line) {
  if (lines_.size() == kMaxLines) lines_.erase(lines_.begin());
  lines_.emplace_back(line);
}

}  // namespace bpftally
