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

// Returns the bytes of a field; fails with kInvalid if the row ends before it does. For a kCpu
// field, the bytes are those of the number in `row`.
Result<std::string_view> FieldBytes(const Row& row, const FieldPlan& field);

// Decodes the labels of one metric, in the order in which they are published: by name. For use by
// one thread.
class RowDecoder {
 public:
  // Takes in `constants` the labels that each row has. `tables` must outlive the decoder.
  static Result<RowDecoder> Make(const std::vector<LabelPlan>& labels, const TextMap& constants,
                                 HostTables& tables);

  const std::vector<std::string>& names() const { return names_; }

  // Decodes a row into values().
  Result<Decoder::Verdict> Decode(const Row& row);
  const std::vector<std::string>& values() const { return values_; }  // valid UTF-8

  // Sets the batch into which Publish() puts labels from now on.
  void Begin(MetricBatch& batch);

  // Decodes a row into the batch; returns null if a decoder drops it. Formats numbers in place:
  // with strings between, a poll of two `uint` labels and its text took a fifth longer.
  Result<LabelValues> Publish(const Row& row);

  // Returns whether any two keys of `key_size` bytes, and any two CPUs if each CPU is a row, give
  // different labels.
  bool TellsApart(size_t key_size, CpuRule cpus) const;

 private:
  struct Column {
    FieldPlan field;
    size_t place = 0;  // index among the published labels
    DecoderChain chain;
  };
  struct Constant {
    size_t place = 0;
    std::string_view published = {};
  };

  size_t PlaceOf(const std::string& name) const;
  Result<Decoder::Verdict> DecodeColumn(Column& column, const Row& row);

  std::vector<Column> columns_;  // in the plan's order
  std::vector<Constant> constants_;
  std::vector<std::string> names_;
  std::vector<std::string> values_;
  std::string scratch_;
  MetricBatch* batch_ = nullptr;
};

}  // namespace bpftally
