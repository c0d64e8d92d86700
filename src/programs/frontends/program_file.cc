#include "programs/frontends/program_file.h"

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "programs/frontends/front_end.h"
#include "programs/object/object_facts.h"

namespace bpftally {
namespace {

// Reads at most one byte more than allowed: then the parser reports that the file is too large.
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

PlannedFile PlanFile(const std::string& file, std::span<const FrontEnd> front_ends) {
  PlannedFile planned{.file = file};
  const Result<std::string> text = ReadConfig(file);
  if (!text) {
    AddError(planned, text.error().message);
    return planned;
  }
  Result<ObjectFacts> object = ReadObjectFacts(ObjectFileOf(file));
  Compiled compiled = Compile({*text, file}, object ? &*object : nullptr, front_ends);
  planned.plan = std::move(compiled.plan);
  planned.findings = std::move(compiled.findings);
  if (object) {
    planned.object = *std::move(object);
  } else {
    AddError(planned, object.error().message);
  }
  return planned;
}

}  // namespace bpftally
