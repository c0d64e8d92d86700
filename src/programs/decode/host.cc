// Decoders that look up numbers on this host.

#include <fmt/format.h>

#include <iterator>
#include <limits>

#include "host/tables.h"
#include "programs/decode/factories.h"

namespace bpftally {
namespace {

template <typename... Args>
DecoderResult NameOr(std::string& out, std::optional<std::string_view> name,
                     fmt::format_string<Args...> unknown, Args&&... args) {
  if (name) {
    out.assign(*name);
  } else {
    out.clear();
    fmt::format_to(std::back_inserter(out), unknown, std::forward<Args>(args)...);
  }
  return Decoder::Verdict::kKeep;
}

// Parses the text for a PCI decoder; returns empty if there is no database, which `out` then says.
Result<std::optional<int64_t>> PciNumber(HostTables& tables, std::string_view input,
                                         std::string& out) {
  if (!tables.HasPciIds()) {
    out = "missing pci.ids db";
    return std::nullopt;
  }
  const auto number = ParseInteger(input);
  if (!number) return std::unexpected(number.error());
  return *number;
}

// Returns the name of a number within the range: numbers with fewer digits than the ids in pci.ids
// have never had a name.
std::optional<std::string_view> PciName(HostTables& tables, PciKind kind, int64_t number,
                                        int64_t lowest, int64_t highest) {
  if (number < lowest || number > highest) return std::nullopt;
  return tables.PciName(kind, static_cast<uint32_t>(number));
}

}  // namespace

DecoderResult DecodeIfname(HostTables& tables, std::string_view input, std::string& out) {
  const auto index = LoadUint32(input, "ifname");
  if (!index) return std::unexpected(index.error());
  return NameOr(out, tables.InterfaceName(static_cast<uint32_t>(*index)), "unknown:{}", *index);
}

// Decodes a device number as user space has it: 12 bits of major number between 8 low and 12 high
// ones of the minor number.
DecoderResult DecodeMajorminor(HostTables& tables, std::string_view input, std::string& out) {
  const auto loaded = LoadUint32(input, "majorminor");
  if (!loaded) return std::unexpected(loaded.error());
  const auto device = static_cast<uint32_t>(*loaded);
  const uint32_t major = device >> 8 & 0xfff;
  const uint32_t minor = (device & 0xff) | (device >> 12 & 0xfff00);
  return NameOr(out, tables.PartitionName(major, minor), "unknown:{}:{}", major, minor);
}

DecoderResult DecodeKsym(HostTables& tables, std::string_view input, std::string& out) {
  const auto address = LoadUint64(input, "ksym");
  if (!address) return std::unexpected(address.error());
  return NameOr(out, tables.SymbolAt(*address), "unknown_addr:0x{:x}", *address);
}

DecoderResult DecodeKstack(HostTables& tables, std::string_view input, std::string& out) {
  if (input.size() % sizeof(uint64_t) != 0) {
    return InvalidInput(fmt::format(
        "kstack needs a multiple of 8 bytes, not {}: check the label's size", input.size()));
  }
  out.clear();
  for (; !input.empty(); input.remove_prefix(sizeof(uint64_t))) {
    const auto frame = LoadUint64(input, "kstack");
    if (!frame || *frame == 0) break;
    if (!out.empty()) out += '\n';
    out += tables.SymbolAround(*frame).value_or("??");
  }
  return Decoder::Verdict::kKeep;
}

DecoderResult DecodeCgroup(HostTables& tables, std::string_view input, std::string& out) {
  const auto id = ParseInteger(input);
  if (!id) return std::unexpected(id.error());
  return NameOr(out, tables.CgroupPath(static_cast<uint64_t>(*id)), "unknown_cgroup_id:{}", *id);
}

DecoderResult DecodePciVendor(HostTables& tables, std::string_view input, std::string& out) {
  const auto number = PciNumber(tables, input, out);
  if (!number) return std::unexpected(number.error());
  if (!*number) return Decoder::Verdict::kKeep;
  return NameOr(out, PciName(tables, PciKind::kVendor, **number, 0x1000, 0xffff),
                "unknown pci vendor: 0x{:02x}", **number);
}

DecoderResult DecodePciDevice(HostTables& tables, std::string_view input, std::string& out) {
  const auto number = PciNumber(tables, input, out);
  if (!number) return std::unexpected(number.error());
  if (!*number) return Decoder::Verdict::kKeep;
  return NameOr(out, PciName(tables, PciKind::kDevice, **number, 0x1000'0000, 0xffff'ffff),
                "unknown pci device: 0x{:04x}", **number);
}

DecoderResult DecodePciClass(HostTables& tables, std::string_view input, std::string& out) {
  const auto number = PciNumber(tables, input, out);
  if (!number) return std::unexpected(number.error());
  if (!*number) return Decoder::Verdict::kKeep;
  return NameOr(out, PciName(tables, PciKind::kClass, **number, 0, 0xff),
                "unknown pci class: 0x{:02x}", **number);
}

DecoderResult DecodePciSubclass(HostTables& tables, std::string_view input, std::string& out) {
  const auto number = PciNumber(tables, input, out);
  if (!number) return std::unexpected(number.error());
  if (!*number) return Decoder::Verdict::kKeep;
  const int64_t above = **number >> 8;
  if (!PciName(tables, PciKind::kClass, above, 0, 0xff)) {
    return NameOr(out, std::nullopt, "unknown pci class: 0x{:02x}", above);
  }
  return NameOr(out, PciName(tables, PciKind::kSubclass, **number, 0, 0xffff),
                "unknown pci subclass: 0x{:02x} (class 0x{:02x})", **number & 0xff, above);
}

}  // namespace bpftally
