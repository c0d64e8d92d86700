#include "commands/program_list.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <string_view>

#include "programs/frontends/program_file.h"
#include "programs/frontends/shipped.h"
#include "programs/object/object_facts.h"

namespace bpftally {
namespace {

std::string Hooks(const ObjectFacts& object) {
  std::vector<std::string_view> sections;
  for (const FunctionPlan& program : object.programs) sections.push_back(program.section);
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

std::string DescribePrograms(const std::string& directory, const TryProgram& try_program) {
  std::string text;
  for (const std::string& name : NamesOfPrograms(directory)) {
    const PlannedFile file = PlanFile(FileOfProgram(directory, name));
    text += fmt::format("{}\n    shows: {}\n    needs: {}\n    hooks: {}\n    here:  {}\n", name,
                        file.plan.description, file.plan.needs, Hooks(file.object),
                        SayWhetherItRuns(file, try_program));
  }
  return text;
}

}  // namespace bpftally
