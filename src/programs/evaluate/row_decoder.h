#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/metric_batch.h"
#include "programs/decode/decoder.h"
#include "programs/plan/plan.h"
#include "programs/read/rows.h"

namespace bpftally {

// The bytes of a field; kInvalid where the row ends before it. A kCpu field's are in `row`.
Result<std::string_view> FieldBytes(const Row& row, const FieldPlan& field);

// Decodes the labels of one metric, in the order in which they are published: by name. One thread.
class RowDecoder {
 public:
  // `constants` are labels that each row has. `tables` must outlive it.
  static Result<RowDecoder> Make(const std::vector<LabelPlan>& labels, const TextMap& constants,
                                 HostTables& tables);

  const std::vector<std::string>& names() const { return names_; }

  // Decodes into values().
  Result<Decoder::Verdict> Decode(const Row& row);
  const std::vector<std::string>& values() const { return values_; }  // valid UTF-8

  // Where Publish puts labels from now on.
  void Begin(MetricBatch& batch);

  // Decodes into the batch; null where the series is not wanted. Numbers are formatted in place:
  // with strings between, a poll of two `uint` labels and its text took a fifth longer.
  Result<LabelValues> Publish(const Row& row);

  // No two keys of `key_size` bytes decode alike, nor, if each CPU is a row, two CPUs.
  bool TellsApart(size_t key_size, CpuRule cpus) const;

 private:
  struct Column {
    FieldPlan field;
    size_t place = 0;  // among the published
    DecoderChain chain;
  };
  struct Constant {
    size_t place = 0;
    std::string_view published = {};
  };

  size_t PlaceOf(const std::string& name) const;
  Result<Decoder::Verdict> DecodeColumn(Column& column, const Row& row);

  std::vector<Column> columns_;  // as they are in the plan
  std::vector<Constant> constants_;
  std::vector<std::string> names_;
  std::vector<std::string> values_;
  std::string scratch_;
  MetricBatch* batch_ = nullptr;
};

}  // namespace bpftally
