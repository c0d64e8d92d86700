#include "programs/frontends/program_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <system_error>
#include <utility>

#include "programs/frontends/ebpf_exporter/planner.h"
#include "programs/frontends/ebpf_exporter/v2_yaml.h"
#include "programs/object/object_facts.h"

namespace bpftally {
namespace {

// One byte more than allowed where there is more: the parser says so.
Result<std::string> ReadConfig(const std::string& file) {
  std::error_code error;
  if (std::filesystem::exists(file, error) && !std::filesystem::is_regular_file(file, error))
    return std::unexpected(Error{ErrorKind::kInvalid, 0, "this is no regular file"});
  std::ifstream stream(file, std::ios::binary);
  if (!stream) return std::unexpected(ErrnoError(errno, "cannot read it"));
  std::string text(kMaxConfigBytes + 1, '\0');
  stream.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(stream.gcount()));
  text.shrink_to_fit();
  return text;
}

void AddError(PlannedFile& planned, std::string message) {
  planned.findings.push_back({Finding::Severity::kError, planned.file, {}, std::move(message)});
}

}  // namespace

PlannedFile PlanFile(const std::string& file) {
  PlannedFile planned{.file = file};
  const Result<std::string> yaml = ReadConfig(file);
  if (!yaml) {
    AddError(planned, yaml.error().message);
    return planned;
  }
  ParsedConfig parsed = ParseEbpfExporterConfig(*yaml, file);
  planned.findings = std::move(parsed.findings);
  planned.description = parsed.config.description;
  planned.needs = parsed.config.needs;
  Result<ObjectFacts> object = ReadObjectFacts(parsed.config.object);
  if (!object) {
    AddError(planned, object.error().message);
    return planned;
  }
  planned.object = *std::move(object);
  const bool whole = !HasErrors(planned.findings);
  Planned made = MakePlan(parsed.config, planned.object);
  planned.plan = std::move(made.plan);
  // What could not be read is missing from the plan: of what follows from that, only errors count.
  std::ranges::copy_if(made.findings, std::back_inserter(planned.findings), [&](const Finding& f) {
    return whole || f.severity == Finding::Severity::kError;
  });
  return planned;
}

}  // namespace bpftally
