#pragma once

#include <string>
#include <string_view>

namespace bpftally {

// Returns a name as Prometheus' client prints it where names must be identifiers: with an
// underscore for each character that is not allowed.
std::string PublishedName(std::string_view name);

}  // namespace bpftally
