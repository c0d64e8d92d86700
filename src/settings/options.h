#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/log.h"
#include "census/snapshot_reader.h"
#include "collect/collector.h"
#include "daemon/capabilities.h"
#include "daemon/metric_programs.h"
#include "export/prometheus/text_writer.h"
#include "http/server.h"
#include "settings/otlp_settings.h"

namespace bpftally {

// Options of the command check.
struct CheckOptions {
  bool load = false;
  bool attach = false;
  bool json = false;
};

// The values of all options of all commands.
struct Options {
  std::vector<std::string> operands;  // the words after the command
  ReaderOptions reader;
  CollectOptions collect;
  std::set<std::string, std::less<>> disabled_collectors;
  std::chrono::nanoseconds poll_interval = std::chrono::seconds(15);  // 0: polls only on request
  HttpServerOptions http;
  std::string telemetry_path = "/metrics";
  bool enable_lifecycle = false;  // POST /-/reload
  bool prometheus = true;         // false: no HTTP server
  OtlpFlags otlp;
  std::optional<std::chrono::nanoseconds> otlp_interval;  // takes precedence over the variable
  ProgramOptions programs;
  bool config_check = false;  // exit once they are loaded and attached
  CapabilitiesToKeep keep_capabilities;
  bool debug = false;
  CheckOptions check;
  std::string replay;  // a dumped snapshot to read instead of the kernel; empty: the kernel
  TextFormat format = TextFormat::kPrometheus004;
  std::string log_level = "info";
  LogFormat log_format = LogFormat::kLogfmt;
  bool help = false;
  bool version = false;
};

}  // namespace bpftally
