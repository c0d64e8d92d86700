#include "programs/label_decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/utf8.h"

namespace bpftally {

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
    decoder.columns_.push_back(
        {label.field, static_cast<size_t>(place - decoder.names_.begin()), std::move(*chain)});
  }
  return decoder;
}

Result<Decoder::Verdict> LabelDecoder::Decode(std::string_view bytes) {
  for (Column& column : columns_) {
    const auto [offset, size] = column.field;
    if (offset > bytes.size() || bytes.size() - offset < size) {
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
    if (*verdict == Decoder::Verdict::kDrop) return verdict;
    // Here and not where it is published: what is alike afterwards is one series.
    if (!IsValidUtf8(value)) value = ToValidUtf8(value);
  }
  return Decoder::Verdict::kKeep;
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
