#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace bpftally {

// Sends all messages of libbpf to the debug log from now on, by its one callback for the process.
void SendLibbpfMessagesToLog();

// Keeps what libbpf warns of on this thread while this lives: the reason behind a bare errno.
class LibbpfWarnings {
 public:
  LibbpfWarnings();
  LibbpfWarnings(const LibbpfWarnings&) = delete;
  LibbpfWarnings& operator=(const LibbpfWarnings&) = delete;
  ~LibbpfWarnings();

  // The latest messages, without "libbpf: " and line end.
  const std::vector<std::string>& lines() const { return lines_; }
  std::string_view Last() const { return lines_.empty() ? std::string_view() : lines_.back(); }
  void Clear() { lines_.clear(); }

  void Add(std::string_view line);

 private:
  LibbpfWarnings* outer_;
  std::vector<std::string> lines_;
};

}  // namespace bpftally
