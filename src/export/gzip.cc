#include "export/gzip.h"

#define ZLIB_CONST  // otherwise zlib takes a pointer to mutable input
#include <zlib.h>

#include <algorithm>
#include <array>
#include <limits>
#include <new>

namespace bpftally {

GzipStream::GzipStream(std::string* out) : stream_(std::make_unique<z_stream_s>()), out_(out) {
  constexpr int kGzipHeader = 16;
  constexpr int kDefaultMemory = 8;
  const int status = deflateInit2(stream_.get(), Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + kGzipHeader,
                                  kDefaultMemory, Z_DEFAULT_STRATEGY);
  if (status != Z_OK) throw std::bad_alloc();  // out of memory is the only possible failure
}

GzipStream::~GzipStream() { deflateEnd(stream_.get()); }

void GzipStream::Write(std::string_view text) {
  while (!text.empty()) {
    const size_t part = std::min<size_t>(text.size(), std::numeric_limits<uInt>::max());
    Deflate(text.substr(0, part), Z_NO_FLUSH);
    text.remove_prefix(part);
  }
}

void GzipStream::Finish() { Deflate({}, Z_FINISH); }

void GzipStream::Deflate(std::string_view text, int flush) {
  constexpr size_t kChunkBytes = size_t{16} * 1024;
  std::array<Bytef, kChunkBytes> chunk;
  stream_->next_in = reinterpret_cast<const Bytef*>(text.data());
  stream_->avail_in = static_cast<uInt>(text.size());
  do {
    stream_->next_out = chunk.data();
    stream_->avail_out = static_cast<uInt>(chunk.size());
    deflate(stream_.get(), flush);
    out_->append(reinterpret_cast<const char*>(chunk.data()), chunk.size() - stream_->avail_out);
  } while (stream_->avail_out == 0);
}

}  // namespace bpftally
