#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bpftally {

// The address of a receiver; each part may be missing.
struct EndpointUrl {
  std::optional<bool> tls;  // from the scheme, http or https; empty: no scheme
  std::string host;         // IPv6 in brackets
  std::string port;         // empty: none
  std::string path;         // with the query; empty or from its first slash on
};

// Reads "[http[s]://]HOST[:PORT][/PATH]". Empty if the text is anything else, or if it has a
// user: secrets belong in headers.
std::optional<EndpointUrl> ParseEndpointUrl(std::string_view text);

}  // namespace bpftally
