#include "programs/frontends/shipped.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "base/suggest.h"

namespace bpftally {
namespace {

constexpr std::string_view kConfigExtension = ".yaml";
constexpr std::string_view kAsBuilt = "../bpf/programs";  // relative to bpftally's own path

}  // namespace

std::vector<std::string> NamesOfPrograms(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == kConfigExtension) names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

std::string FileOfProgram(const std::string& directory, const std::string& name) {
  return fmt::format("{}/{}{}", directory, name, kConfigExtension);
}

Result<std::string> FindProgramDirectory() {
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return std::unexpected(ErrnoError(error.value(), "cannot tell where this program is"));
  const auto here = program.parent_path();
  const auto installed = (here / BPFTALLY_PROGRAM_DIRECTORY).lexically_normal();
  for (const auto& path : {installed, (here / kAsBuilt).lexically_normal()}) {
    if (std::filesystem::is_directory(path, error)) return path.string();
  }
  return std::unexpected(
      Error{ErrorKind::kUnsupported, 0,
            fmt::format("the metric programs are not at {}: install bpftally whole",
                        installed.string())});
}

Result<std::vector<std::string>> FilesOfPrograms(const std::string& directory,
                                                 std::span<const std::string> names) {
  const std::vector<std::string> known = NamesOfPrograms(directory);
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  std::set<std::string_view> seen;
  std::vector<std::string> files;
  std::vector<std::string> findings;
  for (const std::string& name : names) {
    if (!std::ranges::binary_search(known, name)) {
      findings.push_back(fmt::format("there is no program \"{}\"{}: it is one of {}", name,
                                     DidYouMean(name, candidates), fmt::join(known, ", ")));
    } else if (!seen.insert(name).second) {
      findings.push_back(fmt::format("the program \"{}\" is named twice", name));
    }
    files.push_back(FileOfProgram(directory, name));
  }
  if (findings.empty()) return files;
  return std::unexpected(
      Error{ErrorKind::kInvalid, 0, fmt::format("{}", fmt::join(findings, "\n"))});
}

}  // namespace bpftally
