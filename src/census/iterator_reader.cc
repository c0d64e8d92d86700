#include "census/iterator_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "kernel/bpf_sys.h"

namespace bpftally {

IteratorStream ReadIterator(const Pass& pass, int link_fd, std::vector<std::byte>& buffer) {
  constexpr size_t kSeqBuffer = 32768;  // the kernel's own: no read gives more
  const auto iterator = pass.sys.CreateIterator(link_fd);
  if (!iterator) return {.bytes = {}, .ended = std::unexpected(iterator.error())};
  size_t filled = 0;
  const auto end = [&](Result<void> how) {
    return IteratorStream{.bytes = std::span(buffer).first(filled), .ended = std::move(how)};
  };
  while (true) {
    if (auto in_time = pass.CheckDeadline(); !in_time) return end(std::move(in_time));
    if (buffer.size() < filled + kSeqBuffer)
      buffer.resize(std::max(2 * buffer.size(), filled + kSeqBuffer));
    const auto got = pass.sys.Read(iterator->get(), std::span(buffer).subspan(filled));
    if (got) {
      if (*got == 0) return end({});
      filled += *got;
      // EAGAIN: the kernel rests after a million objects that wrote nothing; EINTR: a signal. Both
      // mean "go on".
    } else if (got.error().sys_errno != EAGAIN && got.error().sys_errno != EINTR) {
      return end(std::unexpected(got.error()));
    }
  }
}

Result<std::span<const std::byte>> NextRecord(std::span<const std::byte>& stream,
                                              size_t head_size) {
  if (stream.empty()) return std::span<const std::byte>{};
  uint32_t size = 0;
  if (stream.size() >= sizeof size) std::memcpy(&size, stream.data(), sizeof size);
  if (size < head_size || size > stream.size()) {
    return std::unexpected(
        Error{ErrorKind::kInternal, 0,
              fmt::format("torn iterator record: {} bytes left, {} claimed", stream.size(), size)});
  }
  const auto record = stream.first(size);
  stream = stream.subspan(size);
  return record;
}

std::string FixedText(std::span<const char> text) {
  return {text.begin(), std::find(text.begin(), text.end(), '\0')};
}

}  // namespace bpftally
