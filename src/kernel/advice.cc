#include "kernel/advice.h"

#include <fmt/format.h>
#include <sys/stat.h>

namespace bpftally {

bool IsInUserNamespace() {
  constexpr ino_t kOfTheHost = 0xEFFFFFFD;  // the kernel's PROC_USER_INIT_INO
  struct stat own{};
  return ::stat("/proc/self/ns/user", &own) == 0 && own.st_ino != kOfTheHost;
}

std::string CapabilityAdvice(std::string_view capabilities, std::string_view other_way) {
  if (IsInUserNamespace()) {
    return fmt::format(
        "needs {} of the host: this runs in a user namespace, as rootless containers do, whose own "
        "do not count",
        capabilities);
  }
  return fmt::format("needs {}: run with sudo{}{}", capabilities, other_way.empty() ? "" : ", or ",
                     other_way);
}

}  // namespace bpftally
