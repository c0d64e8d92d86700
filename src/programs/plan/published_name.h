#pragma once

#include <string>
#include <string_view>

namespace bpftally {

// A name as Prometheus' client prints it where names must be identifiers: an underscore for each
// character that cannot stand there.
std::string PublishedName(std::string_view name);

}  // namespace bpftally
