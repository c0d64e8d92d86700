#include "commands/version.h"

#include <bpf/libbpf.h>
#include <fmt/format.h>

#include "collect/build_info.h"

namespace bpftally {

std::string VersionText() {
  return fmt::format(
      "bpftally {} (revision {})\n"
      "  libbpf    {} (built with {}.{})\n"
      "  compiler  {}\n"
      "  build     {}\n",
      BuildVersion(), BuildRevision(), libbpf_version_string(), LIBBPF_MAJOR_VERSION,
      LIBBPF_MINOR_VERSION, BPFTALLY_COMPILER, BPFTALLY_BUILD);
}

}  // namespace bpftally
