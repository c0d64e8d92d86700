#include "export/otlp/pem_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/unique_fd.h"

namespace bpftally {
namespace {

constexpr size_t kMostBytes = size_t{4} << 20;  // a bundle of every public authority has 0.2 MiB

std::unexpected<Error> Invalid(const std::string& path, const char* why, int sys_errno = 0) {
  return std::unexpected(Error{ErrorKind::kInvalid, sys_errno, fmt::format("{}: {}", path, why)});
}

}  // namespace

Result<std::string> ReadPemFile(const std::string& path) {
  std::string text;
  if (path.empty()) return text;
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) return Invalid(path, std::strerror(errno), errno);
  text.resize(kMostBytes);
  size_t size = 0;
  ssize_t got = 0;
  while (size < text.size() && (got = read(file.get(), &text[size], text.size() - size)) > 0)
    size += static_cast<size_t>(got);
  if (got < 0) return Invalid(path, std::strerror(errno), errno);
  text.resize(size);
  text.shrink_to_fit();
  if (!text.contains("-----BEGIN ")) return Invalid(path, "is not a PEM file");
  return text;
}

}  // namespace bpftally
