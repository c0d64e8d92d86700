#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace bpftally {

// Where to send to, as far as it was said.
struct EndpointUrl {
  std::optional<bool> tls;  // of the scheme, http or https; empty where there is none
  std::string host;         // IPv6 in brackets
  std::string port;         // empty: none
  std::string path;         // with the query; empty or from its first slash on
};

// Reads "[http[s]://]HOST[:PORT][/PATH]". Empty where the text is anything else, or has a user in
// it: secrets belong into headers.
std::optional<EndpointUrl> ParseEndpointUrl(std::string_view text);

}  // namespace bpftally
