#include "e2e/exporter.h"

#include <cstdlib>
#include <sstream>

namespace bpftally {

std::vector<std::string> Bpftally(std::vector<std::string> flags) {
  flags.insert(flags.begin(), kBpftally);
  return flags;
}

int Exporter::WaitForPort() {
  const std::string mark = "http://127.0.0.1:";
  Eventually([&] {
    const std::string log = process_.errors();
    const size_t found = log.find(mark);
    if (found != std::string::npos) port_ = std::atoi(log.c_str() + found + mark.size());
    return port_ != 0 || process_.Wait(std::chrono::milliseconds(0)).has_value();
  });
  return port_;
}

std::string CensusLines(const std::string& exposition) {
  std::string lines;
  std::istringstream text(exposition);
  for (std::string line; std::getline(text, line);) {
    const bool skipped = line.starts_with("# HELP ") ||
                         line.find("bpftally_") != std::string::npos ||
                         line.find("process_") != std::string::npos;
    if (!skipped) lines += line + "\n";
  }
  return lines;
}

}  // namespace bpftally
