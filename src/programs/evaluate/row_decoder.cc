#include "programs/evaluate/row_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/utf8.h"

namespace bpftally {
namespace {

std::string_view PartOf(const Row& row, Part part) {
  switch (part) {
    case Part::kKey:
      return row.key;
    case Part::kValue:
      return row.value;
    case Part::kCpu:
      break;
  }
  return {reinterpret_cast<const char*>(&row.cpu), sizeof row.cpu};
}

// Returns empty if the row ends before the field does.
std::optional<std::string_view> BytesOf(const Row& row, const FieldPlan& field) {
  const std::string_view part = PartOf(row, field.part);
  if (field.offset > part.size() || field.size > part.size() - field.offset) return std::nullopt;
  return part.substr(field.offset, field.size);
}

// Marks the bytes of the key that a field covers.
void Cover(const FieldPlan& field, std::vector<bool>& covered) {
  const size_t end = std::min<size_t>(size_t{field.offset} + field.size, covered.size());
  for (size_t at = field.offset; at < end; ++at) covered[at] = true;
}

}  // namespace

Result<std::string_view> FieldBytes(const Row& row, const FieldPlan& field) {
  if (const auto bytes = BytesOf(row, field)) return *bytes;
  return std::unexpected(
      Error{ErrorKind::kInvalid, 0,
            fmt::format("ends at byte {}, after the {} bytes that there are",
                        size_t{field.offset} + field.size, PartOf(row, field.part).size())});
}

Result<RowDecoder> RowDecoder::Make(const std::vector<LabelPlan>& labels, const TextMap& constants,
                                    HostTables& tables) {
  RowDecoder decoder;
  for (const LabelPlan& label : labels) decoder.names_.push_back(label.name);
  for (const auto& [name, value] : constants) decoder.names_.push_back(name);
  std::ranges::sort(decoder.names_);
  decoder.values_.resize(decoder.names_.size());
  for (const LabelPlan& label : labels) {
    auto chain = DecoderChain::Make(label.decoders, tables);
    if (!chain)
      return std::unexpected(Wrap(chain.error(), fmt::format("label \"{}\"", label.name)));
    decoder.columns_.push_back({label.field, decoder.PlaceOf(label.name), std::move(*chain)});
  }
  for (const auto& [name, value] : constants) {
    decoder.constants_.push_back({decoder.PlaceOf(name)});
    decoder.values_[decoder.constants_.back().place] = ToValidUtf8(value);
  }
  return decoder;
}

size_t RowDecoder::PlaceOf(const std::string& name) const {
  return static_cast<size_t>(std::ranges::lower_bound(names_, name) - names_.begin());
}

Result<Decoder::Verdict> RowDecoder::Decode(const Row& row) {
  for (Column& column : columns_) {
    const auto verdict = DecodeColumn(column, row);
    if (!verdict || *verdict == Decoder::Verdict::kDrop) return verdict;
  }
  return Decoder::Verdict::kKeep;
}

void RowDecoder::Begin(MetricBatch& batch) {
  batch_ = &batch;
  for (Constant& constant : constants_) constant.published = batch.Intern(values_[constant.place]);
}

Result<LabelValues> RowDecoder::Publish(const Row& row) {
  std::string_view* const labels = batch_->NewLabels(names_.size());
  for (const Constant& constant : constants_) labels[constant.place] = constant.published;
  for (Column& column : columns_) {
    if (column.chain.is_decimal()) {
      const auto bytes = BytesOf(row, column.field);
      if (const auto number = bytes ? LoadUint(*bytes) : std::nullopt) {
        labels[column.place] = batch_->InternNumber(*number);
        continue;
      }
    }
    const auto verdict = DecodeColumn(column, row);
    if (!verdict) return std::unexpected(verdict.error());
    if (*verdict == Decoder::Verdict::kDrop) return nullptr;
    labels[column.place] = batch_->Intern(values_[column.place]);
  }
  return labels;
}

Result<Decoder::Verdict> RowDecoder::DecodeColumn(Column& column, const Row& row) {
  const auto bytes = FieldBytes(row, column.field);
  if (!bytes) {
    return std::unexpected(
        Error{ErrorKind::kInvalid, 0,
              fmt::format("label \"{}\" {}", names_[column.place], bytes.error().message)});
  }
  std::string& value = values_[column.place];
  const auto verdict = column.chain.Decode(*bytes, value, scratch_);
  if (!verdict)
    return std::unexpected(
        Wrap(verdict.error(), fmt::format("label \"{}\"", names_[column.place])));
  // Replaced here, not when published: texts that become equal are then one series.
  if (*verdict == Decoder::Verdict::kKeep && !IsValidUtf8(value)) value = ToValidUtf8(value);
  return verdict;
}

bool RowDecoder::TellsApart(size_t key_size, CpuRule cpus) const {
  std::vector<bool> covered(key_size);
  bool has_cpu = false;
  for (const Column& column : columns_) {
    if (!column.chain.injective()) return false;
    if (column.field.part == Part::kKey) Cover(column.field, covered);
    has_cpu = has_cpu || column.field.part == Part::kCpu;
  }
  return std::ranges::all_of(covered, [](bool is) { return is; }) &&
         (cpus == CpuRule::kSum || has_cpu);
}

}  // namespace bpftally
