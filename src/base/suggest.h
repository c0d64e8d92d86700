#pragma once

#include <span>
#include <string>
#include <string_view>

namespace bpftally {

// The candidate that the user most likely meant, as " (did you mean \"…\"?)"; empty where none is
// near.
std::string DidYouMean(std::string_view word, std::span<const std::string_view> candidates);

}  // namespace bpftally
