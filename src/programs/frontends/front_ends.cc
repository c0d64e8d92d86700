#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "programs/frontends/ebpf_exporter/front_end.h"
#include "programs/frontends/front_end.h"

namespace bpftally {
namespace {

constexpr std::array kFrontEnds = {kEbpfExporterFrontEnd};

}  // namespace

std::span<const FrontEnd> FrontEnds() { return kFrontEnds; }

std::string ProgramNameOf(const std::string& file) {
  return std::filesystem::path(file).stem().string();
}

std::string ObjectFileOf(const std::string& file) {
  return (std::filesystem::path(file).parent_path() / (ProgramNameOf(file) + ".bpf.o")).string();
}

Compiled Compile(const ConfigText& config, const ObjectFacts* object,
                 std::span<const FrontEnd> front_ends) {
  Compiled compiled;
  if (config.text.size() > kMaxConfigBytes) {
    compiled.findings.push_back(
        {Finding::Severity::kError,
         config.file,
         {},
         fmt::format("{} bytes, expected at most {}", config.text.size(), kMaxConfigBytes)});
  } else {
    const auto found = std::ranges::find_if(
        front_ends, [&](const FrontEnd& front_end) { return front_end.detects(config); });
    compiled = found->compile(config, object);
    compiled.plan.format = found->name;
  }
  compiled.plan.name = ProgramNameOf(config.file);
  compiled.plan.file = config.file;
  compiled.plan.object = ObjectFileOf(config.file);
  return compiled;
}

}  // namespace bpftally
