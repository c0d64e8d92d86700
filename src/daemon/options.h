#pragma once

#include <chrono>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "collect/collector.h"
#include "export/http_server.h"
#include "export/text_writer.h"
#include "kernel/snapshot_reader.h"

namespace bpftally {

enum class Command { kRun, kDump, kMetrics, kHelp, kVersion };

// The command line, whole.
struct Options {
  Command command = Command::kRun;
  ReaderOptions reader;
  CollectOptions collect;
  std::set<std::string, std::less<>> disabled_collectors;
  std::chrono::nanoseconds poll_interval = std::chrono::seconds(15);  // 0: only on demand
  HttpServerOptions http;
  std::string telemetry_path = "/metrics";
  std::string replay;  // a dumped snapshot to serve instead of the kernel; empty: the kernel
  TextFormat format = TextFormat::kPrometheus004;
  std::string log_level = "info";
  LogFormat log_format = LogFormat::kLogfmt;
};

// `arguments` with the program's name in front, as main() gets them. The error holds every finding,
// one a line.
Result<Options> ParseOptions(std::span<const char* const> arguments);

std::string HelpText();

}  // namespace bpftally
