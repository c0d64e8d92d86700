#include "commands/output.h"

#include <cerrno>
#include <cstdio>

namespace bpftally {

Result<void> WriteOut(std::string_view text) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) != text.size() || std::fflush(stdout) != 0)
    return std::unexpected(ErrnoError(errno, "write to standard output"));
  return {};
}

Result<ExitStatus> Print(std::string_view text) {
  if (const auto written = WriteOut(text); !written) return std::unexpected(written.error());
  return kExitSuccess;
}

}  // namespace bpftally
