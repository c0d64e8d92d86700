#include "e2e/process.h"

#include <fcntl.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>

namespace bpftally {
namespace {

// In the child, between fork and exec.
[[noreturn]] void Become(char* const* arguments, const ProcessOptions& options,
                         const std::string& output, const std::string& errors) {
  constexpr int kFlags = O_WRONLY | O_CREAT | O_TRUNC;
  dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
  dup2(open(output.c_str(), kFlags, 0600), STDOUT_FILENO);
  dup2(open(errors.c_str(), kFlags, 0600), STDERR_FILENO);
  for (const auto& [name, value] : options.environment) setenv(name.c_str(), value.c_str(), 1);
  const bool demoted = !options.uid || (setgroups(0, nullptr) == 0 && setgid(*options.uid) == 0 &&
                                        setuid(*options.uid) == 0);
  if (demoted) execv(arguments[0], arguments);
  _exit(126);
}

}  // namespace

TempDirectory::TempDirectory() {
  std::string pattern = std::filesystem::temp_directory_path() / "bpftally-e2e.XXXXXX";
  if (mkdtemp(pattern.data()) == nullptr) throw std::runtime_error("mkdtemp " + pattern);
  path_ = pattern;
}

TempDirectory::~TempDirectory() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Process::Process(const std::vector<std::string>& command, const ProcessOptions& options) {
  std::vector<char*> arguments;
  for (const std::string& argument : command)
    arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const std::string output = files_.Path("output");
  const std::string errors = files_.Path("errors");
  pid_ = fork();
  if (pid_ == 0) Become(arguments.data(), options, output, errors);
}

Process::~Process() {
  constexpr std::chrono::seconds kPatience(15);  // a sanitizer looks for leaks at the end
  if (!Wait(std::chrono::milliseconds(0))) Signal(SIGTERM);
  if (!Wait(kPatience)) Signal(SIGKILL);
  Wait(kPatience);
  const std::string said = errors();
  const bool clean = said.find("Sanitizer: ") == std::string::npos &&
                     said.find("runtime error:") == std::string::npos;
  if (!clean) ADD_FAILURE() << "a sanitizer found something:\n" << said;
}

void Process::Signal(int signal) const {
  if (!status_ && pid_ > 0) kill(pid_, signal);
}

std::optional<int> Process::Wait(std::chrono::milliseconds patience) {
  Eventually(
      [this] {
        int status = 0;
        if (!status_ && waitpid(pid_, &status, WNOHANG) == pid_)
          status_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
        return status_.has_value();
      },
      patience);
  return status_;
}

std::string Process::output() const { return ReadFile(files_.Path("output")); }
std::string Process::errors() const { return ReadFile(files_.Path("errors")); }

Finished RunToEnd(const std::vector<std::string>& command, const ProcessOptions& options) {
  Process process(command, options);
  const int status = process.Wait(std::chrono::seconds(30)).value_or(-1);
  return {status, process.output(), process.errors()};
}

bool Eventually(const std::function<bool()>& holds, std::chrono::milliseconds patience) {
  const char* times = std::getenv("BPFTALLY_TEST_PATIENCE");  // of slow machines: emulated ones
  const auto end =
      std::chrono::steady_clock::now() + patience * (times == nullptr ? 1 : std::atoi(times));
  while (!holds()) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

std::string ReadFile(const std::string& path) {
  // By an ostream, which takes it for the end where a file of /proc is gone in the middle.
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

void WriteFile(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::string FindProgram(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::istringstream directories(path == nullptr ? "/usr/bin:/bin" : path);
  for (std::string directory; std::getline(directories, directory, ':');) {
    const std::string candidate = directory + "/" + name;
    if (access(candidate.c_str(), X_OK) == 0) return candidate;
  }
  return "";
}

}  // namespace bpftally
