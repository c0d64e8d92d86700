#include <algorithm>
#include <cmath>
#include <optional>
#include <utility>
#include <variant>

#include "programs/evaluate/buckets.h"
#include "programs/evaluate/evaluator.h"
#include "programs/evaluate/row_decoder.h"
#include "programs/evaluate/row_filter.h"
#include "programs/evaluate/series_table.h"
#include "programs/evaluate/slot_number.h"
#include "programs/evaluate/value_reader.h"

namespace bpftally {
namespace {

// Counts of one series.
struct Counts {
  std::vector<uint64_t> buckets;
  uint64_t slot_sum = 0;  // wraps at 64 bits, like all counts
  double sum = 0;         // sum of observed values, or of a field
};

// Adds a row to the counts of its series, as the histogram's plan defines a row.
class Filler {
 public:
  static Result<Filler> Make(const HistogramPlan& plan, HostTables& tables) {
    Filler filler(plan);
    if (const auto* in_key = std::get_if<SlotInKey>(&plan.source)) {
      auto slot = DecoderChain::Make(in_key->slot.decoders, tables);
      if (!slot) return std::unexpected(Wrap(slot.error(), "the histogram's slot"));
      filler.slot_ = std::move(*slot);
    }
    return filler;
  }

  const Buckets& buckets() const { return buckets_; }
  bool each_cpu() const { return observed_ && observed_->each_cpu(); }

  // Checks the fields of these rows; called before any of them is added.
  Result<void> Check(const Rows& rows) const {
    if (observed_) return observed_->Check(rows);
    if (const auto* in_key = std::get_if<SlotInKey>(&plan_.source))
      return CheckField(in_key->count, rows);
    const auto& array = std::get<SlotsInValue>(plan_.source);
    const uint32_t last = array.array.size - std::min(array.array.size, array.slot_size);
    FieldPlan slot = array.array;
    slot.offset += last;
    slot.size = array.slot_size;
    if (auto good = CheckField(slot, rows); !good) return good;
    const auto* sum = std::get_if<FieldPlan>(&plan_.sum);
    return sum == nullptr ? Result<void>() : CheckField(*sum, rows);
  }

  // Decodes the slot of a row for Fill(); returns false if a decoder drops the row.
  Result<bool> Decode(const Row& row) {
    const auto* in_key = std::get_if<SlotInKey>(&plan_.source);
    if (in_key == nullptr) return true;
    const auto bytes = FieldBytes(row, in_key->slot.field);
    if (!bytes) return std::unexpected(Wrap(bytes.error(), "the histogram's slot"));
    const auto verdict = slot_.Decode(*bytes, text_, scratch_);
    if (!verdict) return std::unexpected(Wrap(verdict.error(), "the histogram's slot"));
    if (*verdict == Decoder::Verdict::kDrop) return false;
    const auto slot = ParseSlot(text_);
    if (!slot) return std::unexpected(slot.error());
    decoded_slot_ = *slot;
    return true;
  }

  // Adds a row; without `cpu`, the values of all CPUs are added up.
  void Fill(const Rows& rows, size_t row, std::optional<size_t> cpu, Counts& counts) const {
    if (observed_) {
      const Number value = cpu ? observed_->Of(rows.At(row, *cpu)) : observed_->SumOf(rows, row);
      return Observe(ToDouble(value), counts);
    }
    for (size_t each = 0; each < rows.cpus; ++each) FillSlots(rows.At(row, each), counts);
  }

  std::optional<Number> SumOf(const Counts& counts) const {
    if (observed_ || std::holds_alternative<FieldPlan>(plan_.sum))
      return counts.sum * plan_.sum_multiplier;
    if (std::holds_alternative<std::monostate>(plan_.sum)) return std::nullopt;
    return static_cast<double>(counts.slot_sum) * plan_.sum_multiplier;
  }

 private:
  explicit Filler(const HistogramPlan& plan) : plan_(plan), buckets_(plan.buckets) {
    if (const auto* observed = std::get_if<Observed>(&plan_.source))
      observed_.emplace(observed->value);
  }

  void Observe(double value, Counts& counts) const {
    if (std::isnan(value)) return;  // it belongs to no bucket, and would spoil the sum
    ++counts.buckets[buckets_.OfValue(value)];
    counts.sum += value;
  }

  void FillSlots(const Row& row, Counts& counts) const {
    if (const auto* in_key = std::get_if<SlotInKey>(&plan_.source))
      return Count(decoded_slot_, NumberAt(row, in_key->count), counts);
    const auto& in_value = std::get<SlotsInValue>(plan_.source);
    FieldPlan at = in_value.array;
    at.size = in_value.slot_size;
    for (uint64_t slot = 0; slot < in_value.array.size / in_value.slot_size; ++slot) {
      Count(slot, NumberAt(row, at), counts);
      at.offset += at.size;
    }
    if (const auto* sum = std::get_if<FieldPlan>(&plan_.sum))
      counts.sum += ToDouble(LoadNumber(*FieldBytes(row, *sum), sum->encoding));
  }

  static uint64_t NumberAt(const Row& row, const FieldPlan& field) {
    return std::get<uint64_t>(LoadNumber(*FieldBytes(row, field), Encoding::kUnsigned));
  }

  void Count(uint64_t slot, uint64_t value, Counts& counts) const {
    if (slot == kNoSlot) return;
    if (const auto* sum = std::get_if<SumSlot>(&plan_.sum); sum != nullptr && slot == sum->slot)
      counts.slot_sum += value;
    if (const auto bucket = buckets_.OfSlot(slot)) counts.buckets[*bucket] += value;
  }

  HistogramPlan plan_;
  Buckets buckets_;
  std::optional<ValueReader> observed_;
  DecoderChain slot_;
  uint64_t decoded_slot_ = 0;
  std::string text_;
  std::string scratch_;
};

class HistogramEvaluator final : public Evaluator {
 public:
  HistogramEvaluator(const EvaluatorParts& parts, RowDecoder labels, RowFilter filter,
                     Filler filler)
      : memory_(IsOfEvents(parts.source) ? Memory::kKeeps : Memory::kForgets),
        limit_(parts.metric.limit),
        labels_(std::move(labels)),
        filter_(std::move(filter)),
        filler_(std::move(filler)) {}

  const std::vector<std::string>& label_names() const override { return labels_.names(); }

  void Begin(const EvaluationScope& scope) override {
    scope_.emplace(scope);
    if (memory_ == Memory::kKeeps) return;
    result_ = {};
    table_.Clear();
  }

  Result<void> Add(const Rows& rows) override {
    result_.entries += rows.count;
    if (auto good = filler_.Check(rows); !good) return good;
    for (size_t row = 0; row < rows.count; ++row) {
      if (auto added = AddRow(rows, row); !added) return added;
    }
    return {};
  }

  Evaluated Finish() override {
    MetricBatch& batch = scope_->batch;
    const auto bounds = batch.Bounds(filler_.buckets().bounds());
    for (size_t i = 0; i < table_.size(); ++i) {
      result_.histograms.push_back({.labels = table_.Publish(i, labels_.names().size(), batch),
                                    .upper_bounds = bounds,
                                    .counts = batch.Counts(table_[i].buckets),
                                    .sum = filler_.SumOf(table_[i]),
                                    .start_time_ns = scope_->start_time_ns});
    }
    if (memory_ == Memory::kKeeps) result_.entries = table_.size();
    return std::exchange(result_, {});
  }

  void Forget() override { table_.Clear(); }

  void FreeBuffers() override {
    if (memory_ == Memory::kForgets) table_.Free();
  }

 private:
  Result<void> AddRow(const Rows& rows, size_t row) {
    if (!filler_.each_cpu()) return AddOne(rows, row, std::nullopt);
    for (size_t cpu = 0; cpu < rows.cpus; ++cpu) {
      if (auto added = AddOne(rows, row, cpu); !added) return added;
    }
    return {};
  }

  Result<void> AddOne(const Rows& rows, size_t row, std::optional<size_t> cpu) {
    const Row one = rows.At(row, cpu.value_or(0));
    if (!filter_.wants_all()) {
      const auto selected = filter_.Wants(one);
      if (!selected) return std::unexpected(selected.error());
      if (!*selected) return {};
    }
    const auto verdict = labels_.Decode(one);
    if (!verdict) return std::unexpected(verdict.error());
    const auto wanted =
        *verdict == Decoder::Verdict::kKeep ? filler_.Decode(one) : Result<bool>(false);
    if (!wanted) return std::unexpected(wanted.error());
    if (!*wanted) {
      ++result_.unwanted;
    } else if (Counts* counts = table_.FindOrAdd(labels_.values(), Limit())) {
      counts->buckets.resize(filler_.buckets().width());
      filler_.Fill(rows, row, cpu, *counts);
    } else {
      ++result_.over_limit;
    }
    return {};
  }

  SeriesLimit Limit() const {
    SeriesLimit limit = limit_;
    if (memory_ == Memory::kForgets) limit.series = std::min(limit.series, scope_->max_series);
    return limit;
  }

  const Memory memory_;
  const SeriesLimit limit_;
  RowDecoder labels_;
  RowFilter filter_;
  Filler filler_;

  std::optional<EvaluationScope> scope_;
  Evaluated result_;
  SeriesTable<Counts> table_;
};

}  // namespace

Result<std::unique_ptr<Evaluator>> MakeHistogram(const EvaluatorParts& parts) {
  auto labels = RowDecoder::Make(parts.metric.labels, parts.constants, parts.tables);
  if (!labels) return std::unexpected(labels.error());
  auto filter = RowFilter::Make(parts.metric, parts.tables);
  if (!filter) return std::unexpected(filter.error());
  auto filler = Filler::Make(std::get<HistogramPlan>(parts.metric.instrument), parts.tables);
  if (!filler) return std::unexpected(filler.error());
  return std::make_unique<HistogramEvaluator>(parts, std::move(*labels), std::move(*filter),
                                              std::move(*filler));
}

}  // namespace bpftally
