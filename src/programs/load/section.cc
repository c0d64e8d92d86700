#include "programs/load/section.h"

#include <fmt/format.h>
#include <linux/if.h>

#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "base/suggest.h"
#include "base/utf8.h"

namespace bpftally {
namespace {

constexpr std::string_view kPerfEvent = "perf_event/";

Error Bad(std::string_view section, std::string_view why) {
  return {ErrorKind::kInvalid, 0,
          fmt::format("SEC(\"{}\"): {}", ToOneLine(section), ToOneLine(why))};
}

std::optional<uint64_t> ParseNumber(std::string_view text) {
  uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

// Sets one "key=value"; returns what is wrong with it.
std::optional<std::string> Set(std::string_view word, PerfEventSection& event) {
  static constexpr auto kKeys =
      std::to_array<std::string_view>({"type", "config", "frequency", "period"});
  const size_t equals = word.find('=');
  const std::string_view key = word.substr(0, equals);
  const auto value =
      ParseNumber(equals == std::string_view::npos ? std::string_view() : word.substr(equals + 1));
  if (!value) return fmt::format("\"{}\": expected key=number, the number decimal", word);
  if (key == "type") {
    if (*value > std::numeric_limits<uint32_t>::max())
      return fmt::format("no such type: {}", *value);
    event.type = static_cast<uint32_t>(*value);
  } else if (key == "config") {
    event.config = *value;
  } else if (key == "frequency" || key == "period") {
    event.every = *value;
    event.frequency = key == "frequency";
  } else {
    return fmt::format("unknown key \"{}\"{}: expected type, config, and frequency or period", key,
                       DidYouMean(key, kKeys));
  }
  return std::nullopt;
}

Result<Section> ParsePerfEvent(std::string_view section) {
  PerfEventSection event;
  std::string_view rest = section.substr(kPerfEvent.size());
  while (!rest.empty()) {
    const size_t comma = rest.find(',');
    if (auto wrong = Set(rest.substr(0, comma), event))
      return std::unexpected(Bad(section, *wrong));
    rest = comma == std::string_view::npos ? std::string_view() : rest.substr(comma + 1);
  }
  if (event.every == 0)
    return std::unexpected(Bad(section, "expected frequency=N or period=N above 0"));
  return event;
}

Result<Section> OnInterface(std::string_view section, InterfaceSection::Hook hook,
                            std::string_view interface) {
  if (interface.empty() || interface.size() >= IFNAMSIZ || interface.find('/') != interface.npos)
    return std::unexpected(Bad(section, fmt::format("\"{}\" is no interface's name", interface)));
  return InterfaceSection{hook, std::string(interface)};
}

}  // namespace

Result<Section> ParseSection(std::string_view name) {
  struct Prefix {
    std::string_view text;
    InterfaceSection::Hook hook;
  };
  using Hook = InterfaceSection::Hook;
  static constexpr auto kPrefixes = std::to_array<Prefix>({{"xdp/", Hook::kXdp},
                                                           {"tcx/ingress/", Hook::kIngress},
                                                           {"tcx/egress/", Hook::kEgress},
                                                           {"tc/ingress/", Hook::kIngress},
                                                           {"tc/egress/", Hook::kEgress}});
  if (name.starts_with('?')) name.remove_prefix(1);  // for libbpf: load only on request
  if (name.starts_with(kPerfEvent)) return ParsePerfEvent(name);
  // Sections of libbpf's own, for programs in maps, not on interfaces.
  if (name == "xdp/devmap" || name == "xdp/cpumap") return OtherSection{};
  for (const Prefix& prefix : kPrefixes) {
    if (name.starts_with(prefix.text))
      return OnInterface(name, prefix.hook, name.substr(prefix.text.size()));
  }
  return OtherSection{};
}

}  // namespace bpftally
