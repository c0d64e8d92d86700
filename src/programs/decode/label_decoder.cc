#include "programs/decode/label_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "base/bytes.h"
#include "base/utf8.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

bool Holds(std::string_view bytes, FieldPlan field) {
  return field.offset <= bytes.size() && field.size <= bytes.size() - field.offset;
}

std::optional<uint64_t> NumberOf(FieldPlan field, std::string_view bytes) {
  if (!Holds(bytes, field)) return std::nullopt;
  return LoadUint(bytes.substr(field.offset, field.size));
}

bool IsLoneUint(const LabelPlan& label) {
  return label.decoders.size() == 1 && label.decoders[0].name == "uint";
}

}  // namespace

Result<LabelDecoder> LabelDecoder::Make(const std::vector<LabelPlan>& labels, HostTables& tables) {
  LabelDecoder decoder;
  for (const LabelPlan& label : labels) decoder.names_.push_back(label.name);
  std::ranges::sort(decoder.names_);
  decoder.values_.resize(labels.size());
  for (const LabelPlan& label : labels) {
    auto chain = DecoderChain::Make(label.decoders, tables);
    if (!chain)
      return std::unexpected(Wrap(chain.error(), fmt::format("label \"{}\"", label.name)));
    const auto place = std::ranges::lower_bound(decoder.names_, label.name);
    decoder.columns_.push_back({label.field, static_cast<size_t>(place - decoder.names_.begin()),
                                std::move(*chain), IsLoneUint(label)});
  }
  return decoder;
}

Result<Decoder::Verdict> LabelDecoder::Decode(std::string_view bytes) {
  for (Column& column : columns_) {
    const auto verdict = DecodeColumn(column, bytes);
    if (!verdict || *verdict == Decoder::Verdict::kDrop) return verdict;
  }
  return Decoder::Verdict::kKeep;
}

Result<LabelValues> LabelDecoder::Publish(std::string_view bytes, MetricBatch& batch) {
  std::string_view* const labels = batch.NewLabels(columns_.size());
  for (Column& column : columns_) {
    if (const auto number = column.is_number ? NumberOf(column.field, bytes) : std::nullopt) {
      labels[column.place] = batch.InternNumber(*number);
      continue;
    }
    const auto verdict = DecodeColumn(column, bytes);
    if (!verdict) return std::unexpected(verdict.error());
    if (*verdict == Decoder::Verdict::kDrop) return nullptr;
    labels[column.place] = batch.Intern(values_[column.place]);
  }
  return labels;
}

Result<Decoder::Verdict> LabelDecoder::DecodeColumn(Column& column, std::string_view bytes) {
  const auto [offset, size] = std::pair(column.field.offset, column.field.size);
  if (!Holds(bytes, column.field)) {
    return std::unexpected(
        Error{ErrorKind::kInvalid, 0,
              fmt::format("label \"{}\" ends at byte {}, after the {} bytes that there are",
                          names_[column.place], offset + size, bytes.size())});
  }
  std::string& value = values_[column.place];
  const auto verdict = column.chain.Decode(bytes.substr(offset, size), value, scratch_);
  if (!verdict)
    return std::unexpected(
        Wrap(verdict.error(), fmt::format("label \"{}\"", names_[column.place])));
  // Here and not where it is published: what is alike afterwards is one series.
  if (*verdict == Decoder::Verdict::kKeep && !IsValidUtf8(value)) value = ToValidUtf8(value);
  return verdict;
}

std::string_view LabelDecoder::Join() {
  joined_.clear();
  for (const std::string& value : values_) AppendLabelValue(joined_, value);
  return joined_;
}

bool LabelDecoder::TellsApart(size_t key_size) const {
  size_t covered = 0;
  for (const Column& column : columns_) {
    if (!column.chain.injective()) return false;
    covered += column.field.size;
  }
  return covered == key_size;
}

void AppendLabelValue(std::string& joined, std::string_view value) {
  const size_t size = value.size();
  joined.append(reinterpret_cast<const char*>(&size), sizeof size).append(value);
}

}  // namespace bpftally
