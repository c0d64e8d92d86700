#include "programs/evaluate/metric_evaluator.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>

#include "base/byte_index.h"
#include "programs/decode/label_decoder.h"
#include "programs/evaluate/histogram.h"
#include "programs/plan/plan.h"
#include "programs/read/entry_value.h"

namespace bpftally {
namespace {

constexpr std::string_view kZeroKey("\0\0\0\0", 4);

class CounterEvaluator final : public MetricEvaluator {
 public:
  CounterEvaluator(const SourcePlan& source, const MetricPlan& plan, LabelDecoder labels)
      : value_(*ValueOf(plan).field),
        cpu_label_(ValueOf(plan).cpus == CpuRule::kEach),
        needs_zero_key_(plan.needs_zero_key),
        distinct_(labels.TellsApart(source.key_size + (cpu_label_ ? sizeof(uint16_t) : 0))),
        labels_(std::move(labels)) {}

  const std::vector<std::string>& label_names() const override { return labels_.names(); }

  void Start(const EvaluationScope& scope) override {
    scope_.emplace(scope);
    result_ = {};
    result_.samples.reserve(std::min(last_size_, scope.max_series));
    index_.Clear();
  }

  Result<void> Add(const MapContent& piece) override {
    result_.entries += piece.count();
    for (size_t entry = 0; entry < piece.count(); ++entry) {
      if (auto added = AddEntry(piece, entry); !added) return added;
    }
    return {};
  }

  Evaluated Finish() override {
    last_size_ = result_.samples.size();
    return std::move(result_);
  }

  void FreeBuffers() override {
    index_ = {};
    result_ = {};
  }

 private:
  static const ValuePlan& ValueOf(const MetricPlan& plan) {
    return std::get<CounterPlan>(plan.instrument).value;
  }

  Result<void> AddEntry(const MapContent& piece, size_t entry) {
    const std::string_view key = EntryKey(piece, entry);
    if (needs_zero_key_ && key != kZeroKey) {
      return std::unexpected(
          Error{ErrorKind::kInvalid, 0,
                "the map has keys other than four zero bytes, and no label for them"});
    }
    if (cpu_label_) return AddEachCpu(piece, entry);
    double sum = 0;
    for (size_t cpu = 0; cpu < piece.cpus; ++cpu)
      sum += static_cast<double>(EntryValue(piece, entry, cpu, value_));
    return AddValue(key, sum);
  }

  Result<void> AddEachCpu(const MapContent& piece, size_t entry) {
    key_ = EntryKey(piece, entry);
    const size_t end = key_.size();
    for (size_t cpu = 0; cpu < piece.cpus; ++cpu) {
      const auto number = static_cast<uint16_t>(cpu);
      key_.resize(end);
      key_.append(reinterpret_cast<const char*>(&number), sizeof number);
      const auto value = static_cast<double>(EntryValue(piece, entry, cpu, value_));
      if (auto added = AddValue(key_, value); !added) return added;
    }
    return {};
  }

  Result<void> AddValue(std::string_view bytes, double value) {
    if (distinct_ && result_.samples.size() < scope_->max_series) return AddSample(bytes, value);
    const auto verdict = labels_.Decode(bytes);
    if (!verdict) return std::unexpected(verdict.error());
    if (*verdict == Decoder::Verdict::kDrop) {
      ++result_.unwanted;
    } else if (Sample* sample = FindOrMakeSample()) {
      sample->value = std::get<double>(sample->value) + value;
    }
    return {};
  }

  Result<void> AddSample(std::string_view bytes, double value) {
    const auto labels = labels_.Publish(bytes, scope_->batch);
    if (!labels) return std::unexpected(labels.error());
    if (*labels == nullptr) {
      ++result_.unwanted;
    } else {
      result_.samples.push_back({*labels, value, scope_->start_time_ns});
    }
    return {};
  }

  // The series of these labels; null where it would be one too many.
  Sample* FindOrMakeSample() {
    const bool full = result_.samples.size() >= scope_->max_series;
    if (full && (distinct_ || !index_.Contains(labels_.Join()))) {
      ++result_.over_limit;
      return nullptr;
    }
    const auto [number, is_new] = index_.Insert(labels_.Join());
    if (!is_new) return &result_.samples[number];
    return &result_.samples.emplace_back(
        Sample{PublishLabels(scope_->batch, labels_.values()), 0.0, scope_->start_time_ns});
  }

  const FieldPlan value_;
  const bool cpu_label_;
  const bool needs_zero_key_;  // nothing of the key is in a label
  const bool distinct_;        // each entry is a series of its own: nothing to add up
  LabelDecoder labels_;

  std::optional<EvaluationScope> scope_;
  Evaluated result_;
  ByteIndex index_;  // of label sets; their numbers are those of the samples
  std::string key_;  // with the CPU behind it
  size_t last_size_ = 0;
};

}  // namespace

LabelValues PublishLabels(MetricBatch& batch, const std::vector<std::string>& values) {
  std::string_view* const labels = batch.NewLabels(values.size());
  for (size_t i = 0; i < values.size(); ++i) labels[i] = batch.Intern(values[i]);
  return labels;
}

Result<std::unique_ptr<MetricEvaluator>> MetricEvaluator::Make(const SourcePlan& source,
                                                               const MetricPlan& plan,
                                                               HostTables& tables) {
  if (TypeOf(plan) == MetricType::kHistogram) return MakeHistogramEvaluator(plan, tables);
  std::vector<LabelPlan> placed = plan.labels;
  for (LabelPlan& label : placed)
    if (label.field.part == Part::kCpu) label.field.offset += source.key_size;
  auto labels = LabelDecoder::Make(placed, tables);
  if (!labels) return std::unexpected(labels.error());
  return std::make_unique<CounterEvaluator>(source, plan, std::move(*labels));
}

}  // namespace bpftally
