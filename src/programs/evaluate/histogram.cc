#include "programs/evaluate/histogram.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/byte_index.h"
#include "programs/plan/plan.h"
#include "programs/read/entry_value.h"

namespace bpftally {
namespace {

struct Bucket {
  uint64_t slot = 0;
  size_t place = 0;  // of its bound
};

std::vector<Bucket> SortBySlot(const std::vector<BucketPlan>& plans) {
  std::vector<Bucket> buckets;
  for (size_t place = 0; place < plans.size(); ++place)
    if (plans[place].slot != kNoSlot) buckets.push_back({plans[place].slot, place});
  std::ranges::sort(buckets, {}, &Bucket::slot);
  return buckets;
}

class HistogramEvaluator final : public MetricEvaluator {
 public:
  HistogramEvaluator(const MetricPlan& plan, LabelDecoder labels, DecoderChain slot)
      : plan_(std::get<HistogramPlan>(plan.instrument)),
        in_key_(std::get<SlotInKey>(plan_.source)),
        value_(in_key_.count),
        buckets_(SortBySlot(plan_.buckets)),
        labels_(std::move(labels)),
        slot_(std::move(slot)) {}

  const std::vector<std::string>& label_names() const override { return labels_.names(); }

  void Start(const EvaluationScope& scope) override {
    scope_.emplace(scope);
    result_ = {};
    index_.Clear();
    counts_.clear();
    sums_.clear();
  }

  Result<void> Add(const MapContent& piece) override {
    result_.entries += piece.count();
    for (size_t entry = 0; entry < piece.count(); ++entry) {
      uint64_t value = 0;  // may wrap, as everywhere where counts are 64 bits
      for (size_t cpu = 0; cpu < piece.cpus; ++cpu) value += EntryValue(piece, entry, cpu, value_);
      if (auto added = AddEntry(EntryKey(piece, entry), value); !added) return added;
    }
    return {};
  }

  Evaluated Finish() override {
    MetricBatch& batch = scope_->batch;
    std::vector<double> upper;
    for (const BucketPlan& bucket : plan_.buckets) upper.push_back(bucket.upper_bound);
    const auto bounds = batch.Bounds(upper);
    for (size_t i = 0; i < result_.histograms.size(); ++i) {
      HistogramSample& histogram = result_.histograms[i];
      histogram.upper_bounds = bounds;
      histogram.counts = batch.Counts(std::span(counts_).subspan(i * Width(), Width()));
      histogram.sum = static_cast<double>(sums_[i]) * plan_.sum_multiplier;
    }
    return std::move(result_);
  }

  void FreeBuffers() override {
    index_ = {};
    counts_ = {};
    sums_ = {};
    result_ = {};
  }

 private:
  // The last bucket, of +Inf, never gets anything: what no bound holds is dropped.
  size_t Width() const { return plan_.buckets.size() + 1; }

  Result<void> AddEntry(std::string_view key, uint64_t value) {
    const auto wanted = labels_.Decode(key);
    if (!wanted) return std::unexpected(wanted.error());
    const auto slot = *wanted == Decoder::Verdict::kKeep ? DecodeSlot(key) : std::nullopt;
    if (!slot) {
      ++result_.unwanted;
      return {};
    }
    if (!*slot) return std::unexpected(slot->error());
    if (const auto histogram = FindOrMakeHistogram()) Count(*histogram, **slot, value);
    return {};
  }

  // Empty where a decoder drops it.
  std::optional<Result<uint64_t>> DecodeSlot(std::string_view key) {
    const auto [offset, size] = std::pair(in_key_.slot.field.offset, in_key_.slot.field.size);
    if (offset > key.size() || key.size() - offset < size)
      return std::unexpected(
          Error{ErrorKind::kInvalid, 0, "the key ends before the histogram's slot"});
    const auto verdict = slot_.Decode(key.substr(offset, size), slot_text_, scratch_);
    if (!verdict) return std::unexpected(Wrap(verdict.error(), "the histogram's slot"));
    if (*verdict == Decoder::Verdict::kDrop) return std::nullopt;
    return ParseSlot(slot_text_);
  }

  std::optional<size_t> FindOrMakeHistogram() {
    const std::string_view joined = labels_.Join();
    if (result_.histograms.size() >= scope_->max_series && !index_.Contains(joined)) {
      ++result_.over_limit;
      return std::nullopt;
    }
    const auto [number, is_new] = index_.Insert(joined);
    if (is_new) {
      result_.histograms.push_back({.labels = PublishLabels(scope_->batch, labels_.values()),
                                    .upper_bounds = {},
                                    .counts = {},
                                    .sum = {},
                                    .start_time_ns = scope_->start_time_ns});
      counts_.resize(counts_.size() + Width());
      sums_.push_back(0);
    }
    return number;
  }

  void Count(size_t histogram, uint64_t slot, uint64_t value) {
    if (slot == kNoSlot) return;
    if (slot == std::get<SumSlot>(plan_.sum).slot) sums_[histogram] += value;
    const auto bucket = std::ranges::lower_bound(buckets_, slot, {}, &Bucket::slot);
    if (bucket != buckets_.end() && bucket->slot == slot)
      counts_[histogram * Width() + bucket->place] += value;
  }

  const HistogramPlan plan_;
  const SlotInKey in_key_;
  const FieldPlan value_;
  const std::vector<Bucket> buckets_;
  LabelDecoder labels_;
  DecoderChain slot_;

  std::optional<EvaluationScope> scope_;
  Evaluated result_;
  ByteIndex index_;               // of label sets; their numbers are those of the histograms
  std::vector<uint64_t> counts_;  // Width() for each
  std::vector<uint64_t> sums_;
  std::string slot_text_;
  std::string scratch_;
};

int BaseOf(std::string_view& text) {
  if (text.size() < 2 || text[0] != '0') return 10;
  const char kind = static_cast<char>(text[1] | 0x20);
  const int base = kind == 'x' ? 16 : kind == 'o' ? 8 : kind == 'b' ? 2 : 0;
  text.remove_prefix(base == 0 ? 1 : 2);
  return base == 0 ? 8 : base;
}

}  // namespace

Result<uint64_t> ParseSlot(std::string_view text) {
  std::string_view digits = text;
  const int base = BaseOf(digits);
  uint64_t slot = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), slot, base);
  if (error == std::errc() && end == digits.data() + digits.size()) return slot;
  return std::unexpected(
      Error{ErrorKind::kInternal, 0,
            fmt::format("the histogram's slot is \"{:.64}\", which is no unsigned number", text)});
}

Result<std::unique_ptr<MetricEvaluator>> MakeHistogramEvaluator(const MetricPlan& plan,
                                                                HostTables& tables) {
  auto labels = LabelDecoder::Make(plan.labels, tables);
  if (!labels) return std::unexpected(labels.error());
  auto slot = DecoderChain::Make(
      std::get<SlotInKey>(std::get<HistogramPlan>(plan.instrument).source).slot.decoders, tables);
  if (!slot) return std::unexpected(Wrap(slot.error(), "the histogram's slot"));
  return std::make_unique<HistogramEvaluator>(plan, std::move(*labels), std::move(*slot));
}

}  // namespace bpftally
