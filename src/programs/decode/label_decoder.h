#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "model/metric_batch.h"
#include "programs/decode/decoder.h"
#include "programs/plan/plan.h"

namespace bpftally {

// The labels of one metric: the bytes of a key or an event as text, in the order in which labels
// are published: by name. One thread.
class LabelDecoder {
 public:
  // `tables` must outlive it.
  static Result<LabelDecoder> Make(const std::vector<LabelPlan>& labels, HostTables& tables);

  const std::vector<std::string>& names() const { return names_; }

  // Decodes into values(). Bytes too short for a field are kInvalid.
  Result<Decoder::Verdict> Decode(std::string_view bytes);
  const std::vector<std::string>& values() const { return values_; }  // valid UTF-8

  // Decodes into the batch; null where the series is not wanted. Numbers are spelled in place:
  // with strings between, a look of two `uint` labels and its text took a fifth longer.
  Result<LabelValues> Publish(std::string_view bytes, MetricBatch& batch);

  // values() as one string, which no other values give.
  std::string_view Join();

  // No two keys of `key_size` bytes decode alike.
  bool TellsApart(size_t key_size) const;

 private:
  struct Column {
    FieldPlan field;
    size_t place = 0;  // among the published
    DecoderChain chain;
    bool is_number = false;  // `uint` and nothing else
  };

  Result<Decoder::Verdict> DecodeColumn(Column& column, std::string_view bytes);

  std::vector<Column> columns_;  // as they lie in the bytes
  std::vector<std::string> names_;
  std::vector<std::string> values_;
  std::string scratch_;
  std::string joined_;
};

// Such that no two sets of values become one text.
void AppendLabelValue(std::string& joined, std::string_view value);

}  // namespace bpftally
