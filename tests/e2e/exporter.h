#pragma once

#include <string>
#include <vector>

#include "build_paths.h"
#include "e2e/http_client.h"
#include "e2e/process.h"

namespace bpftally {

// The real binary, as this build made it.
inline const std::string kBpftally = BPFTALLY_BINARY_DIR "/src/bpftally";
inline const std::string kFixture = BPFTALLY_SOURCE_DIR "/tests/fixtures/small_host.yaml";

// The command that starts it with these flags.
std::vector<std::string> Bpftally(std::vector<std::string> flags);

// One that serves on a free port of 127.0.0.1.
class Exporter {
 public:
  explicit Exporter(std::vector<std::string> flags, const ProcessOptions& options = {})
      : process_(Bpftally(WithAddress(std::move(flags))), options) {}

  // Waits until it says where it serves; 0 if it never does. Once for each exporter.
  int WaitForPort();

  HttpAnswer Get(const std::string& path, const HttpHeaders& headers = {}) const {
    return HttpGet(port_, path, headers);
  }
  HttpAnswer Post(const std::string& path) const {
    return HttpAsk(port_, "POST", path, {{"Content-Length", "0"}});
  }

  Process& process() { return process_; }
  int port() const { return port_; }

 private:
  static std::vector<std::string> WithAddress(std::vector<std::string> flags) {
    flags.emplace_back("--web.listen-address=127.0.0.1:0");
    return flags;
  }

  Process process_;
  int port_ = 0;
};

// The lines of an exposition about the census: without help texts, and without what differs from
// process to process.
std::string CensusLines(const std::string& exposition);

}  // namespace bpftally
