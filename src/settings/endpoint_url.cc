#include "settings/endpoint_url.h"

#include <strings.h>

#include <algorithm>
#include <charconv>
#include <cstdint>

namespace bpftally {
namespace {

bool IsAlphanumeric(char c) {
  return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

bool AllOf(std::string_view text, std::string_view punctuation) {
  return !text.empty() && std::ranges::all_of(text, [&](char c) {
    return IsAlphanumeric(c) || punctuation.find(c) != std::string_view::npos;
  });
}

bool IsHost(std::string_view host) {
  if (!host.starts_with('[')) return AllOf(host, "-._");
  return host.ends_with(']') && AllOf(host.substr(1, host.size() - 2), ":.%");
}

bool IsPort(std::string_view port) {
  uint16_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  return error == std::errc() && end == port.data() + port.size() && number > 0;
}

bool IsPath(std::string_view path) {
  return std::ranges::all_of(
      path, [](char c) { return c > ' ' && c < '\x7f' && c != '#' && c != '"' && c != '\\'; });
}

// Removes "http://" or "https://"; false if there is another scheme.
bool TakeScheme(std::string_view& text, std::optional<bool>& tls) {
  constexpr std::string_view kMark = "://";
  const size_t end = text.find(kMark);
  if (end == std::string_view::npos) return true;
  const std::string scheme(text.substr(0, end));
  text.remove_prefix(end + kMark.size());
  tls = strcasecmp(scheme.c_str(), "https") == 0;
  return *tls || strcasecmp(scheme.c_str(), "http") == 0;
}

}  // namespace

std::optional<EndpointUrl> ParseEndpointUrl(std::string_view text) {
  EndpointUrl url;
  if (!TakeScheme(text, url.tls)) return std::nullopt;
  const size_t path = std::min(text.find_first_of("/?"), text.size());
  url.path = text.substr(path);
  std::string_view host = text.substr(0, path);
  const size_t colon =
      host.find(':', host.starts_with('[') ? std::min(host.find(']'), host.size()) : 0);
  if (colon != std::string_view::npos) {
    url.port = host.substr(colon + 1);
    if (!IsPort(url.port)) return std::nullopt;
    host = host.substr(0, colon);
  }
  url.host = host;
  if (!IsHost(url.host) || !IsPath(url.path)) return std::nullopt;
  return url;
}

}  // namespace bpftally
