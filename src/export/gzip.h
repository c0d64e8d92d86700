#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

struct z_stream_s;  // NOLINT(readability-identifier-naming): zlib's

namespace bpftally {

// Writes one gzip member, compressed at zlib's fastest level, because a scrape is read only once.
class GzipStream {
 public:
  explicit GzipStream(std::string* out);  // appended to; must outlive the stream
  GzipStream(const GzipStream&) = delete;
  GzipStream& operator=(const GzipStream&) = delete;
  ~GzipStream();

  void Write(std::string_view text);
  void Finish();  // once, after the last Write

 private:
  void Deflate(std::string_view text, int flush);

  std::unique_ptr<z_stream_s> stream_;
  std::string* out_;
};

}  // namespace bpftally
