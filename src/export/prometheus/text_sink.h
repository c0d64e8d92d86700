#pragma once

#include <functional>
#include <string_view>

namespace bpftally {

// Receives a text in chunks of a few ten KiB, in order.
using TextSink = std::function<void(std::string_view)>;

}  // namespace bpftally
