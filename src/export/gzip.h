#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"

struct z_stream_s;  // NOLINT(readability-identifier-naming): zlib's

namespace bpftally {

// Compresses into one gzip member while writing. Uses zlib's fastest level, since a scrape is read
// only once.
class GzipStream {
 public:
  explicit GzipStream(std::string* out);  // `out` is appended to and must outlive the stream
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
