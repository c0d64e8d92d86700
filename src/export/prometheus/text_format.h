#pragma once

#include <string_view>

namespace bpftally {

enum class TextFormat { kPrometheus004, kOpenMetrics100 };

// The Content-Type header of a format.
std::string_view ContentType(TextFormat format);

// Answers an Accept header: the supported media type with the highest q, 0.0.4 where none fits or
// none is named.
TextFormat NegotiateFormat(std::string_view accept);

// Whether an Accept-Encoding header lets us send gzip (q=0 forbids).
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace bpftally
