#include "host/kernel_addresses.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace bpftally {
namespace {

struct Symbol {
  uint64_t address = 0;
  std::string_view name;
};

// "ffffffff81000000 T name" or "... t name\t[module]".
Symbol ParseLine(std::string_view line) {
  Symbol symbol;
  const auto [end, error] =
      std::from_chars(line.data(), line.data() + line.size(), symbol.address, 16);
  const auto at = static_cast<size_t>(end - line.data());
  constexpr size_t kTypeColumns = 3;  // " T "
  if (error != std::errc() || line.size() <= at + kTypeColumns) return {};
  symbol.name = line.substr(at + kTypeColumns);
  symbol.name = symbol.name.substr(0, symbol.name.find_first_of("\t\n"));
  return symbol;
}

Error Missing(std::span<const std::string> symbols, const KernelAddresses& found) {
  std::vector<std::string_view> missing;
  for (const std::string& symbol : symbols) {
    if (!found.contains(symbol)) missing.push_back(symbol);
  }
  return {ErrorKind::kUnsupported, 0,
          fmt::format("kaddrs: this kernel has no symbol {}", fmt::join(missing, ", "))};
}

}  // namespace

Result<KernelAddresses> FindKernelAddresses(std::span<const std::string> symbols,
                                            const std::string& kallsyms) {
  using File = std::unique_ptr<FILE, int (*)(FILE*)>;
  const std::unordered_set<std::string_view> wanted(symbols.begin(), symbols.end());
  KernelAddresses found;
  if (wanted.empty()) return found;
  const File file(std::fopen(kallsyms.c_str(), "re"), std::fclose);
  if (!file) return std::unexpected(ErrnoError(errno, "kaddrs: cannot open " + kallsyms));
  bool hidden = false;
  char* line = nullptr;
  size_t capacity = 0;
  while (found.size() < wanted.size()) {
    const ssize_t length = ::getline(&line, &capacity, file.get());
    if (length < 0) break;
    const Symbol symbol = ParseLine({line, static_cast<size_t>(length)});
    if (!wanted.contains(symbol.name)) continue;
    hidden = hidden || symbol.address == 0;
    found.emplace(symbol.name, symbol.address);
  }
  std::free(line);  // NOLINT: getline's
  if (hidden) {
    return std::unexpected(Error{ErrorKind::kPermission, EPERM,
                                 "kaddrs: the kernel hides its addresses (needs CAP_SYSLOG, and "
                                 "kernel.kptr_restrict below 2)"});
  }
  if (found.size() < wanted.size()) return std::unexpected(Missing(symbols, found));
  return found;
}

}  // namespace bpftally
