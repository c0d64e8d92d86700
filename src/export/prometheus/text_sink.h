#pragma once

#include <functional>
#include <string_view>

namespace bpftally {

// Takes a text piece by piece, in order; pieces are a few ten KiB.
using TextSink = std::function<void(std::string_view)>;

}  // namespace bpftally
