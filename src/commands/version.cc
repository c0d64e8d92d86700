#include <bpf/libbpf.h>
#include <fmt/format.h>

#include "collect/build_info.h"
#include "commands/commands.h"
#include "commands/output.h"

namespace bpftally {
namespace {

// Version, revision, libraries, compiler and build options, one a line.
std::string VersionText() {
  return fmt::format(
      "bpftally {} (revision {})\n"
      "  libbpf    {} (built with {}.{})\n"
      "  compiler  {}\n"
      "  build     {}\n",
      BuildVersion(), BuildRevision(), libbpf_version_string(), LIBBPF_MAJOR_VERSION,
      LIBBPF_MINOR_VERSION, BPFTALLY_COMPILER, BPFTALLY_BUILD);
}

}  // namespace

Command VersionCommand() {
  return {.name = "version",
          .operands = "",
          .summary = "print the version and what it was built with",
          .options = {},
          .check = {},
          .run = [](const Options&, const Clock&) { return Print(VersionText()); }};
}

}  // namespace bpftally
