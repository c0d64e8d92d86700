// Counters and gauges, which have one number for each series.

#include <algorithm>
#include <optional>
#include <utility>

#include "programs/evaluate/evaluator.h"
#include "programs/evaluate/row_decoder.h"
#include "programs/evaluate/row_filter.h"
#include "programs/evaluate/series_table.h"
#include "programs/evaluate/value_reader.h"

namespace bpftally {
namespace {

bool IsLess(const Number& a, const Number& b) {
  if (a.index() == b.index()) return a < b;
  return ToDouble(a) < ToDouble(b);
}

struct ScalarPlan {
  ValuePlan value;
  RowRule rows = RowRule::kSum;  // the rule of counters
  Memory memory = Memory::kForgets;
};

class ScalarEvaluator final : public Evaluator {
 public:
  ScalarEvaluator(const EvaluatorParts& parts, ScalarPlan plan, RowDecoder labels, RowFilter filter)
      : value_(plan.value),
        rows_(plan.rows),
        memory_(plan.memory),
        limit_(parts.metric.limit),
        needs_no_table_(plan.memory == Memory::kForgets &&
                        labels.TellsApart(parts.source.key_size, plan.value.cpus)),
        labels_(std::move(labels)),
        filter_(std::move(filter)) {}

  const std::vector<std::string>& label_names() const override { return labels_.names(); }

  void Begin(const EvaluationScope& scope) override {
    scope_.emplace(scope);
    max_series_ = std::min(limit_.series, scope.max_series);
    if (memory_ == Memory::kKeeps) return;
    result_ = {};
    if (needs_no_table_) result_.samples.reserve(std::min(last_size_, max_series_));
    labels_.Begin(scope.batch);
    table_.Clear();
  }

  Result<void> Add(const Rows& rows) override {
    result_.entries += rows.count;
    if (auto good = value_.Check(rows); !good) return good;
    for (size_t row = 0; row < rows.count; ++row) {
      if (auto added = AddRow(rows, row); !added) return added;
    }
    return {};
  }

  Evaluated Finish() override {
    for (size_t i = 0; i < table_.size(); ++i) {
      result_.samples.push_back({table_.Publish(i, labels_.names().size(), scope_->batch),
                                 *table_[i], scope_->start_time_ns});
    }
    if (memory_ == Memory::kKeeps) result_.entries = table_.size();
    last_size_ = result_.samples.size();
    return std::exchange(result_, {});
  }

  void Forget() override { table_.Clear(); }

  void FreeBuffers() override {
    if (memory_ == Memory::kForgets) table_.Free();
  }

 private:
  Result<void> AddRow(const Rows& rows, size_t row) {
    if (!value_.each_cpu()) return AddValue(rows.At(row), value_.SumOf(rows, row));
    for (size_t cpu = 0; cpu < rows.cpus; ++cpu) {
      const Row one = rows.At(row, cpu);
      if (auto added = AddValue(one, value_.Of(one)); !added) return added;
    }
    return {};
  }

  Result<void> AddValue(const Row& row, const Number& value) {
    if (!filter_.wants_all()) {
      const auto wanted = filter_.Wants(row);
      if (!wanted) return std::unexpected(wanted.error());
      if (!*wanted) return {};
    }
    if (needs_no_table_ && result_.samples.size() < max_series_) return AddSample(row, value);
    const auto verdict = labels_.Decode(row);
    if (!verdict) return std::unexpected(verdict.error());
    if (*verdict == Decoder::Verdict::kDrop) {
      ++result_.unwanted;
    } else if (std::optional<Number>* series = FindOrAdd()) {
      Combine(value, *series);
    } else {
      ++result_.over_limit;
    }
    return {};
  }

  // Publishes a row as a series of its own.
  Result<void> AddSample(const Row& row, const Number& value) {
    const auto labels = labels_.Publish(row);
    if (!labels) return std::unexpected(labels.error());
    if (*labels == nullptr) {
      ++result_.unwanted;
    } else {
      result_.samples.push_back({*labels, value, scope_->start_time_ns});
    }
    return {};
  }

  std::optional<Number>* FindOrAdd() {
    SeriesLimit limit = limit_;
    if (memory_ == Memory::kForgets) {
      limit.series = max_series_ - std::min(max_series_, result_.samples.size());
    }
    return table_.FindOrAdd(labels_.values(), limit);
  }

  void Combine(const Number& value, std::optional<Number>& series) const {
    if (!series || rows_ == RowRule::kLast) {
      series = value;
    } else if (rows_ == RowRule::kSum) {
      bpftally::Add(value, *series);
    } else if (IsLess(*series, value)) {
      series = value;
    }
  }

  const ValueReader value_;
  const RowRule rows_;
  const Memory memory_;
  const SeriesLimit limit_;
  const bool needs_no_table_;  // labels differ for any two rows
  RowDecoder labels_;
  RowFilter filter_;

  std::optional<EvaluationScope> scope_;
  size_t max_series_ = 0;  // limit of this poll
  Evaluated result_;
  SeriesTable<std::optional<Number>> table_;
  size_t last_size_ = 0;
};

Result<std::unique_ptr<Evaluator>> MakeScalar(const EvaluatorParts& parts, const ScalarPlan& plan) {
  auto labels = RowDecoder::Make(parts.metric.labels, parts.constants, parts.tables);
  if (!labels) return std::unexpected(labels.error());
  auto filter = RowFilter::Make(parts.metric, parts.tables);
  if (!filter) return std::unexpected(filter.error());
  return std::make_unique<ScalarEvaluator>(parts, plan, std::move(*labels), std::move(*filter));
}

Memory MemoryOf(const SourcePlan& source) {
  return IsOfEvents(source) ? Memory::kKeeps : Memory::kForgets;
}

}  // namespace

Result<std::unique_ptr<Evaluator>> MakeCounter(const EvaluatorParts& parts) {
  const auto& counter = std::get<CounterPlan>(parts.metric.instrument);
  const Memory memory = counter.accumulate ? Memory::kKeeps : MemoryOf(parts.source);
  return MakeScalar(parts, {.value = counter.value, .memory = memory});
}

Result<std::unique_ptr<Evaluator>> MakeGauge(const EvaluatorParts& parts) {
  const auto& gauge = std::get<GaugePlan>(parts.metric.instrument);
  return MakeScalar(parts,
                    {.value = gauge.value, .rows = gauge.rows, .memory = MemoryOf(parts.source)});
}

}  // namespace bpftally
