#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bpftally {

// Returns the candidate that the user most likely meant, as " (did you mean \"…\"?)", or an empty
// string if none is near.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace bpftally
