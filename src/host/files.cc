#include "host/files.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <concepts>
#include <functional>
#include <optional>
#include <string_view>

#include "base/unique_fd.h"

namespace bpftally {
namespace {

using LineVisitor = std::function<void(std::string_view line)>;

// Reads in chunks, since /proc/kallsyms has 10 MB and more. Only the end of an endless line is
// kept.
Result<void> ForEachLine(int fd, const LineVisitor& visit) {
  constexpr size_t kLongestLine = 4096;
  std::string rest;
  std::array<char, 65536> buffer{};
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::unexpected(ErrnoError(errno, "cannot read"));
    if (got == 0) break;
    std::string_view chunk(buffer.data(), static_cast<size_t>(got));
    for (size_t end = chunk.find('\n'); end != std::string_view::npos; end = chunk.find('\n')) {
      if (rest.empty()) {
        visit(chunk.substr(0, end));
      } else {
        visit(rest.append(chunk.substr(0, end)));
        rest.clear();
      }
      chunk.remove_prefix(end + 1);
    }
    if (rest.size() > kLongestLine) rest.clear();
    rest.append(chunk);
  }
  if (!rest.empty()) visit(rest);
  return {};
}

Result<UniqueFd> Open(const std::string& path) {
  UniqueFd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return std::unexpected(ErrnoError(errno, "cannot open " + path));
  return fd;
}

// Removes the next word from `line` and returns it.
std::string_view TakeWord(std::string_view& line) {
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  const std::string_view word = line.substr(0, line.find(' '));
  line.remove_prefix(word.size());
  return word;
}

template <std::unsigned_integral Number>
std::optional<Number> ParseWhole(std::string_view text, int base) {
  Number number = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), number, base);
  if (error != std::errc() || end != text.end()) return std::nullopt;
  return number;
}

// Parses lines of pci.ids: "1af4  Vendor", below it "\t1000  Device"; "C 02  Class", below it "\t00
// Subclass". Deeper levels (subsystems, interfaces) have no decoder.
class PciIdsParser {
 public:
  explicit PciIdsParser(NameTable& table) : table_(table) {}

  void Line(std::string_view line) {
    if (line.empty() || line.starts_with('#') || line.starts_with("\t\t")) return;
    if (line.starts_with('\t')) {
      Child(line.substr(1));
    } else if (line.starts_with("C ")) {
      parent_ = Entry(PciKind::kClass, line.substr(2), 2, 0);
      in_classes_ = true;
    } else {
      parent_ = Entry(PciKind::kVendor, line, 4, 0);
      in_classes_ = false;
    }
  }

 private:
  void Child(std::string_view line) {
    if (!parent_) return;
    if (in_classes_) {
      Entry(PciKind::kSubclass, line, 2, *parent_ << 8);
    } else {
      Entry(PciKind::kDevice, line, 4, *parent_ << 16);
    }
  }

  // Parses "<digits>  Name" and returns the number.
  std::optional<uint32_t> Entry(PciKind kind, std::string_view line, size_t digits,
                                uint32_t parent) {
    if (line.size() < digits + 2 || line.substr(digits, 2) != "  ") return std::nullopt;
    const auto number = ParseWhole<uint32_t>(line.substr(0, digits), 16);
    if (!number) return std::nullopt;
    table_.Add(PciKey(kind, parent | *number), line.substr(digits + 2));
    return number;
  }

  NameTable& table_;
  std::optional<uint32_t> parent_;
  bool in_classes_ = false;
};

}  // namespace

Result<NameTable> ReadKernelSymbols(int fd) {
  if (::lseek(fd, 0, SEEK_SET) < 0) {
    return std::unexpected(ErrnoError(errno, "cannot rewind /proc/kallsyms"));
  }
  NameTable table;
  bool hidden = true;
  const auto read = ForEachLine(fd, [&](std::string_view line) {
    const auto address = ParseWhole<uint64_t>(TakeWord(line), 16);
    TakeWord(line);  // the type
    const std::string_view name = TakeWord(line);
    if (!address || name.empty()) return;
    if (*address != 0) hidden = false;
    table.Add(*address, name);
  });
  if (!read) return std::unexpected(read.error());
  if (hidden) {
    return std::unexpected(Error{ErrorKind::kPermission, 0,
                                 "/proc/kallsyms hides all addresses (needs CAP_SYSLOG, or "
                                 "kernel.kptr_restrict=0)"});
  }
  table.Sort();
  return table;
}

Result<NameTable> ReadPartitions(const std::string& path) {
  const auto fd = Open(path);
  if (!fd) return std::unexpected(fd.error());
  NameTable table;
  const auto read = ForEachLine(fd->get(), [&](std::string_view line) {
    const auto major = ParseWhole<uint32_t>(TakeWord(line), 10);
    const auto minor = ParseWhole<uint32_t>(TakeWord(line), 10);
    TakeWord(line);  // the size
    const std::string_view name = TakeWord(line);
    if (major && minor && !name.empty()) table.Add(PartitionKey(*major, *minor), name);
  });
  if (!read) return std::unexpected(read.error());
  table.Sort();
  return table;
}

Result<NameTable> ReadPciIds(const std::vector<std::string>& paths) {
  for (const std::string& path : paths) {
    const auto fd = Open(path);
    if (!fd) continue;
    NameTable table;
    PciIdsParser parser(table);
    const auto read = ForEachLine(fd->get(), [&](std::string_view line) { parser.Line(line); });
    if (!read) return std::unexpected(read.error());
    table.Sort();
    return table;
  }
  return std::unexpected(Error{ErrorKind::kUnsupported, 0, "there is no pci.ids on this host"});
}

}  // namespace bpftally
