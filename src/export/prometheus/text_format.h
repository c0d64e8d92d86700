#pragma once

#include <string_view>

namespace bpftally {

enum class TextFormat { kPrometheus004, kOpenMetrics100 };

// Returns the Content-Type header of a format.
std::string_view ContentType(TextFormat format);

// Chooses the format for an Accept header: the supported media type with the highest q; 0.0.4 if
// none matches or the header is empty.
TextFormat NegotiateFormat(std::string_view accept);

// Tells whether an Accept-Encoding header allows gzip (q=0 forbids it).
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace bpftally
