#include "settings/otlp_resource.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <initializer_list>
#include <optional>
#include <utility>

#include "base/utf8.h"
#include "collect/build_info.h"
#include "settings/uuid.h"

namespace bpftally {
namespace {

// Name space that keeps our ids apart from those that other programs derive from the machine id.
constexpr UuidBytes kIdSpace = {0x68, 0x46, 0xc7, 0x62, 0x91, 0x12, 0x48, 0xaf,
                                0x94, 0x36, 0x0b, 0x2e, 0xb5, 0x5c, 0xe9, 0xb1};

std::string_view Trim(std::string_view text) {
  constexpr std::string_view kBlank = " \t";
  const size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::optional<std::string> PercentDecode(std::string_view text) {
  constexpr size_t kEscape = 3;
  std::string decoded;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text[at] != '%') {
      decoded += text[at];
      continue;
    }
    const std::string_view escape = text.substr(at, kEscape);
    uint8_t byte = 0;
    const char* const end = escape.data() + escape.size();
    const auto [parsed, error] = std::from_chars(escape.data() + 1, end, byte, 16);
    if (escape.size() != kEscape || error != std::errc() || parsed != end) return std::nullopt;
    decoded += static_cast<char>(byte);
    at += kEscape - 1;
  }
  return decoded;
}

std::string FirstLine(const char* path) {
  std::string line;
  std::ifstream file(path);
  std::getline(file, line);
  return line;
}

// Reads PRETTY_NAME="Debian GNU/Linux 12 (bookworm)".
std::string PrettyName(const char* path) {
  constexpr std::string_view kKey = "PRETTY_NAME=";
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with(kKey)) continue;
    std::erase(line, '"');
    return line.substr(kKey.size());
  }
  return {};
}

// Spells the machine names of uname(2) as the semantic conventions do.
std::string ArchitectureName(std::string_view machine) {
  if (machine == "x86_64") return "amd64";
  if (machine == "aarch64") return "arm64";
  if (machine.starts_with("arm")) return "arm32";
  if (machine.starts_with("ppc64")) return "ppc64";
  if (machine.size() == 4 && machine.starts_with('i') && machine.ends_with("86")) return "x86";
  return std::string(machine);
}

std::string FirstSet(const Environment& environment, std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    const std::string_view value = Variable(environment, name);
    if (!value.empty()) return std::string(value);
  }
  return {};
}

// Attributes by key, in the order in which the keys came. Empty values are left out.
class Attributes {
 public:
  void Set(std::string_view key, std::string_view value) {
    if (value.empty()) return;
    const auto same = std::ranges::find(attributes_, key, &OtlpAttributes::value_type::first);
    if (same != attributes_.end()) {
      same->second = ToValidUtf8(value);
    } else {
      attributes_.emplace_back(ToValidUtf8(key), ToValidUtf8(value));
    }
  }

  std::string Get(std::string_view key) const {
    const auto found = std::ranges::find(attributes_, key, &OtlpAttributes::value_type::first);
    return found == attributes_.end() ? std::string() : found->second;
  }

  OtlpAttributes Take() { return std::move(attributes_); }

 private:
  OtlpAttributes attributes_;
};

void SetHost(const HostFacts& host, Attributes& attributes) {
  attributes.Set("service.version", host.version);
  attributes.Set("host.name", host.name);
  if (!host.machine_id.empty())
    attributes.Set("host.id", UuidV5(kIdSpace, "host\n" + host.machine_id));
  attributes.Set("host.arch", ArchitectureName(host.machine));
  attributes.Set("os.type", "linux");
  attributes.Set("os.description", host.os_description);
  attributes.Set("os.version", host.kernel_release);
}

void SetKubernetes(const Environment& environment, Attributes& attributes) {
  attributes.Set("k8s.node.name", FirstSet(environment, {"K8S_NODE_NAME", "NODE_NAME"}));
  attributes.Set("k8s.pod.name", FirstSet(environment, {"K8S_POD_NAME", "POD_NAME"}));
  attributes.Set("k8s.namespace.name",
                 FirstSet(environment, {"K8S_NAMESPACE_NAME", "POD_NAMESPACE"}));
  attributes.Set("k8s.pod.uid", FirstSet(environment, {"K8S_POD_UID", "POD_UID"}));
}

// Takes all pairs of the variable or, if it is not valid, none.
void SetFromVariable(std::string_view text, Attributes& attributes,
                     std::vector<std::string>& warnings) {
  OtlpAttributes pairs;
  const bool valid = ReadPairs(text, [&](std::string key, std::string value) {
    pairs.emplace_back(std::move(key), std::move(value));
    return true;
  });
  if (!valid) {
    warnings.emplace_back(
        "OTEL_RESOURCE_ATTRIBUTES is ignored: it is not key=value,key=value with values "
        "percent-encoded");
    return;
  }
  for (const auto& [key, value] : pairs) attributes.Set(key, value);
}

// Returns the same id at each start on this machine. A container may have no machine id.
std::string InstanceId(const HostFacts& host, const Attributes& attributes) {
  std::string machine = host.machine_id;
  if (machine.empty()) machine = attributes.Get("k8s.node.name");
  if (machine.empty()) machine = host.name;
  return UuidV5(kIdSpace, fmt::format("instance\n{}\n{}", machine, attributes.Get("service.name")));
}

}  // namespace

std::string_view Variable(const Environment& environment, const char* name) {
  const char* const value = environment(name);
  return value == nullptr ? std::string_view() : Trim(value);
}

bool ReadPairs(std::string_view text,
               const std::function<bool(std::string key, std::string value)>& take) {
  while (!text.empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view pair = Trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    if (pair.empty()) continue;
    const size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return false;
    auto key = PercentDecode(Trim(pair.substr(0, equals)));
    auto value = PercentDecode(Trim(pair.substr(equals + 1)));
    if (!key || key->empty() || !value || !take(std::move(*key), std::move(*value))) return false;
  }
  return true;
}

HostFacts ReadHostFacts() {
  HostFacts host{.version = std::string(BuildVersion()),
                 .machine_id = FirstLine("/etc/machine-id"),
                 .os_description = PrettyName("/etc/os-release")};
  if (host.machine_id == "uninitialized") host.machine_id.clear();  // the first boot of an image
  if (host.os_description.empty()) host.os_description = PrettyName("/usr/lib/os-release");
  utsname name = {};
  if (uname(&name) == 0) {
    host.name = name.nodename;
    host.machine = name.machine;
    host.kernel_release = name.release;
  }
  return host;
}

OtlpAttributes MakeOtlpResource(const HostFacts& host, const Environment& environment,
                                std::vector<std::string>& warnings) {
  Attributes attributes;
  attributes.Set("service.name", "bpftally");
  SetHost(host, attributes);
  SetKubernetes(environment, attributes);
  SetFromVariable(Variable(environment, "OTEL_RESOURCE_ATTRIBUTES"), attributes, warnings);
  attributes.Set("service.name", Variable(environment, "OTEL_SERVICE_NAME"));
  if (attributes.Get("service.instance.id").empty())
    attributes.Set("service.instance.id", InstanceId(host, attributes));
  return attributes.Take();
}

}  // namespace bpftally
