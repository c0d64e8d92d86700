#include "programs/evaluate/value_reader.h"

#include <fmt/format.h>

#include <cstring>
#include <type_traits>
#include <variant>

namespace bpftally {
namespace {

template <typename T>
T LoadAs(std::string_view bytes) {
  T number = 0;
  std::memcpy(&number, bytes.data(), sizeof number);
  return number;
}

uint64_t LoadUnsigned(std::string_view bytes) {
  if (bytes.size() == sizeof(uint64_t)) return LoadAs<uint64_t>(bytes);  // the usual case
  uint64_t number = 0;
  std::memcpy(&number, bytes.data(), bytes.size());
  return number;
}

int64_t LoadSigned(std::string_view bytes) {
  const auto unused_bits = static_cast<unsigned>(8 * (sizeof(uint64_t) - bytes.size()));
  return static_cast<int64_t>(LoadUnsigned(bytes) << unused_bits) >> unused_bits;
}

bool IsNumber(const FieldPlan& field) {
  if (field.encoding == Encoding::kFloat) return field.size == 4 || field.size == 8;
  return field.size >= 1 && field.size <= sizeof(uint64_t);
}

size_t SizeOf(Part part, const Rows& rows) {
  if (part == Part::kCpu) return sizeof(uint16_t);
  return part == Part::kKey ? rows.key_size : rows.value_size;
}

std::string_view BytesOf(const Row& row, const FieldPlan& field) {
  if (field.part == Part::kCpu)
    return {reinterpret_cast<const char*>(&row.cpu) + field.offset, field.size};
  return (field.part == Part::kKey ? row.key : row.value).substr(field.offset, field.size);
}

}  // namespace

Number LoadNumber(std::string_view bytes, Encoding encoding) {
  switch (encoding) {
    case Encoding::kUnsigned:
      return LoadUnsigned(bytes);
    case Encoding::kSigned:
      return LoadSigned(bytes);
    case Encoding::kFloat:
      break;
  }
  return bytes.size() == sizeof(float) ? double{LoadAs<float>(bytes)} : LoadAs<double>(bytes);
}

double ToDouble(const Number& number) {
  return std::visit([](auto value) { return static_cast<double>(value); }, number);
}

void Add(const Number& number, Number& sum) {
  if (number.index() != sum.index()) {
    sum = ToDouble(sum) + ToDouble(number);
  } else if (auto* u = std::get_if<uint64_t>(&sum)) {
    *u += std::get<uint64_t>(number);
  } else if (auto* i = std::get_if<int64_t>(&sum)) {
    const auto added = static_cast<uint64_t>(*i) + static_cast<uint64_t>(std::get<int64_t>(number));
    *i = static_cast<int64_t>(added);
  } else {
    std::get<double>(sum) += std::get<double>(number);
  }
}

Result<void> CheckField(const FieldPlan& field, const Rows& rows) {
  const size_t size = SizeOf(field.part, rows);
  if (IsNumber(field) && field.offset <= size && field.size <= size - field.offset) return {};
  return std::unexpected(
      Error{ErrorKind::kInvalid, 0,
            fmt::format("the number of {} bytes at byte {} is not in the {} bytes that there are",
                        field.size, field.offset, size)});
}

Number ValueReader::Raw(const Row& row) const {
  if (!plan_.field) return plan_.as_double ? Number(1.0) : Number(uint64_t{1});
  const Number number = LoadNumber(BytesOf(row, *plan_.field), plan_.field->encoding);
  return plan_.as_double ? Number(ToDouble(number)) : number;
}

Number ValueReader::Finished(const Number& sum) const {
  if (plan_.multiplier == 1) return sum;
  return ToDouble(sum) * plan_.multiplier;
}

Number ValueReader::Of(const Row& row) const { return Finished(Raw(row)); }

Number ValueReader::AnySumOf(const Rows& rows, size_t row) const {
  Number sum = Raw(rows.At(row));
  const size_t cpus = plan_.field ? rows.cpus : 1;
  for (size_t cpu = 1; cpu < cpus; ++cpu) Add(Raw(rows.At(row, cpu)), sum);
  return Finished(sum);
}

}  // namespace bpftally
