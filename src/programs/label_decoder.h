#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "programs/decoder.h"
#include "programs/plan.h"

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

  // values() as one string, which no other values give.
  std::string_view Join();

  // No two keys of `key_size` bytes decode alike.
  bool TellsApart(size_t key_size) const;

 private:
  struct Column {
    FieldPlan field;
    size_t place = 0;  // among the published
    DecoderChain chain;
  };

  std::vector<Column> columns_;  // as they lie in the bytes
  std::vector<std::string> names_;
  std::vector<std::string> values_;
  std::string scratch_;
  std::string joined_;
};

// Such that no two sets of values become one text.
void AppendLabelValue(std::string& joined, std::string_view value);

}  // namespace bpftally
