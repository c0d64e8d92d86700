#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace bpftally {

// A directory of its own for each test, gone with it.
class TempDirectory {
 public:
  TempDirectory();
  TempDirectory(const TempDirectory&) = delete;
  TempDirectory& operator=(const TempDirectory&) = delete;
  ~TempDirectory();

  std::string Path(const std::string& name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct ProcessOptions {
  std::vector<std::pair<std::string, std::string>> environment = {};  // beside ours
  std::optional<uid_t> uid;  // run as this user, with no group and no capability
};

// A child process with its output in files. One that still runs at the end is told to end, and
// killed if it does not. What a sanitizer built into it has found fails the test.
class Process {
 public:
  Process(const std::vector<std::string>& command, const ProcessOptions& options = {});
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;
  ~Process();

  void Signal(int signal) const;
  pid_t pid() const { return pid_; }

  // The exit status, or 128 + the signal; empty if it still runs after so long.
  std::optional<int> Wait(std::chrono::milliseconds patience);

  std::string output() const;
  std::string errors() const;

 private:
  TempDirectory files_;
  pid_t pid_ = -1;
  std::optional<int> status_;
};

// Runs to the end, for at most half a minute.
struct Finished {
  int status = -1;  // -1: did not end
  std::string output;
  std::string errors;
};
Finished RunToEnd(const std::vector<std::string>& command, const ProcessOptions& options = {});

// Asks again and again until it holds; false after `patience`.
bool Eventually(const std::function<bool()>& holds,
                std::chrono::milliseconds patience = std::chrono::seconds(15));

std::string ReadFile(const std::string& path);
void WriteFile(const std::string& path, const std::string& text);

// The full path of a program on PATH; empty where it is not installed.
std::string FindProgram(const std::string& name);

}  // namespace bpftally
