#pragma once

#include <string>
#include <vector>

#include "e2e/exporter.h"

namespace bpftally {

// The real binary, started through another command that ends in exec: one that changes what it
// finds. Its log may go anywhere.
class Served {
 public:
  explicit Served(std::vector<std::string> through, const std::vector<std::string>& flags = {})
      : process_(Command(std::move(through), flags, port_)) {}

  // True as soon as it answers.
  bool WaitUntilUp() {
    return Eventually(
               [&] {
                 return Get("/-/healthy").status == 200 ||
                        process_.Wait(std::chrono::milliseconds(0)).has_value();
               },
               std::chrono::seconds(60)) &&
           Get("/-/healthy").status == 200;
  }

  HttpAnswer Get(const std::string& path,
                 const std::vector<std::pair<std::string, std::string>>& headers = {}) const {
    return HttpGet(port_, path, headers);
  }
  std::string Metrics() const { return Get("/metrics").body; }

  Process& process() { return process_; }
  int port() const { return port_; }

 private:
  static std::vector<std::string> Command(std::vector<std::string> through,
                                          const std::vector<std::string>& flags, int port) {
    through.push_back(kBpftally);
    through.insert(through.end(), flags.begin(), flags.end());
    through.push_back("--web.listen-address=127.0.0.1:" + std::to_string(port));
    return through;
  }

  int port_ = FreePort();
  Process process_;
};

// A command of the shell that ends in exec of what follows: `sh -c SCRIPT sh bpftally …`.
inline std::vector<std::string> Shell(const std::string& script) {
  return {"/bin/sh", "-c", script + " && exec \"$@\"", "sh"};
}

// The same in a mount namespace of its own.
inline std::vector<std::string> OwnMounts(const std::string& script) {
  std::vector<std::string> command = Shell(script);
  command.insert(command.begin(), {"/usr/bin/unshare", "--mount", "--propagation", "private"});
  return command;
}

inline bool Succeeds(const std::string& metrics, const std::string& collector) {
  return metrics.find("\nbpftally_collector_success{collector=\"" + collector + "\"} 1\n") !=
         std::string::npos;
}

inline bool Fails(const std::string& metrics, const std::string& collector) {
  return metrics.find("\nbpftally_collector_success{collector=\"" + collector + "\"} 0\n") !=
         std::string::npos;
}

inline size_t CountOf(const std::string& text, const std::string& part) {
  size_t count = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++count;
  return count;
}

}  // namespace bpftally
