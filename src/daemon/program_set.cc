#include "daemon/program_set.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string_view>
#include <system_error>

#include "base/suggest.h"
#include "programs/program_file.h"

namespace bpftally {
namespace {

constexpr std::string_view kConfigExtension = ".yaml";
constexpr std::string_view kAsBuilt = "../bpf/programs";  // as seen from the program

std::vector<std::string> NamesIn(const std::string& directory) {
  std::vector<std::string> names;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(directory, error)) {
    if (entry.path().extension() == kConfigExtension) names.push_back(entry.path().stem());
  }
  std::ranges::sort(names);
  return names;
}

std::string FileOf(const std::string& directory, const std::string& name) {
  return fmt::format("{}/{}{}", directory, name, kConfigExtension);
}

std::string Hooks(const ObjectFacts& object) {
  std::vector<std::string_view> sections;
  for (const ObjectProgram& program : object.programs) sections.push_back(program.section);
  return fmt::format("{}", fmt::join(sections, ", "));
}

std::string_view Refused(const Error& error) {
  const bool untried = error.kind == ErrorKind::kPermission && ::geteuid() != 0;
  return untried ? "not known:" : "no:";
}

std::string SayTried(const std::vector<AttachStatus>& statuses) {
  std::string why;
  std::string_view answer = "yes";
  for (const AttachStatus& status : statuses) {
    if (!status.error) continue;
    if (why.empty()) answer = Refused(*status.error);
    why += fmt::format("\n           {}", status.error->message);
  }
  const bool some = std::ranges::any_of(statuses, &AttachStatus::attached);
  return std::string(some && !why.empty() ? "in part:" : answer) + why;
}

std::string SayWhetherItRuns(const PlannedFile& file, const TryProgram& try_program) {
  if (HasErrors(file.findings)) {
    const auto first =
        std::ranges::find(file.findings, Finding::Severity::kError, &Finding::severity);
    return "no: " + ToString(*first);
  }
  const auto tried = try_program(file.plan);
  if (tried) return SayTried(*tried);
  return fmt::format("{} {}", Refused(tried.error()), tried.error().message);
}

}  // namespace

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
  const std::vector<std::string> known = NamesIn(directory);
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
    files.push_back(FileOf(directory, name));
  }
  if (findings.empty()) return files;
  return std::unexpected(
      Error{ErrorKind::kInvalid, 0, fmt::format("{}", fmt::join(findings, "\n"))});
}

std::string DescribePrograms(const std::string& directory, const TryProgram& try_program) {
  std::string text;
  for (const std::string& name : NamesIn(directory)) {
    const PlannedFile file = PlanFile(FileOf(directory, name));
    text += fmt::format("{}\n    shows: {}\n    needs: {}\n    hooks: {}\n    here:  {}\n", name,
                        file.description, file.needs, Hooks(file.object),
                        SayWhetherItRuns(file, try_program));
  }
  return text;
}

}  // namespace bpftally
