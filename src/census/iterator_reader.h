#pragma once

#include <cstddef>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "census/walk.h"
#include "census_records.h"

namespace bpftally {

// Bytes that one pass of an iterator wrote, and why that is not all where it was cut short.
struct IteratorStream {
  std::span<const std::byte> bytes;
  Result<void> ended;
};

// Reads one pass of the iterator behind `link_fd` into `buffer`, which is kept from pass to pass.
IteratorStream ReadIterator(const Pass& pass, int link_fd, std::vector<std::byte>& buffer);

// Cuts a stream into records that start with their own size: the next record of at least sizeof(T),
// or an error for what is no record (torn, too short, longer than what is left). Empty at the end.
// The rest of a longer record follows it.
template <typename T>
struct Record {
  std::optional<T> head;  // a copy: in the stream it need not be aligned
  std::span<const std::byte> tail;
};

Result<std::span<const std::byte>> NextRecord(std::span<const std::byte>& stream, size_t head_size);

template <typename T>
Result<Record<T>> NextRecordOf(std::span<const std::byte>& stream) {
  const auto bytes = NextRecord(stream, sizeof(T));
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->empty()) return Record<T>{};
  Record<T> record{.head = T{}, .tail = bytes->subspan(sizeof(T))};
  std::memcpy(&*record.head, bytes->data(), sizeof(T));
  return record;
}

// Reads the whole pass, record by record. What goes wrong with one record's object does not keep
// the others from being read: the first error of `add` is returned at the end.
template <typename T, typename Add>
Result<void> ReadRecords(IteratorStream stream, Add add) {
  FirstError errors;
  while (true) {
    const auto record = NextRecordOf<T>(stream.bytes);
    if (!record) return std::unexpected(record.error());
    if (!record->head) break;
    errors.Note(add(*record->head, record->tail));
  }
  errors.Note(stream.ended);
  return errors.result();
}

// Returns a char array of the kernel as text, up to its NUL.
std::string FixedText(std::span<const char> text);

}  // namespace bpftally
