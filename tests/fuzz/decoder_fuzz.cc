// Chains of decoders, of one label or two, over any keys.

#include <map>
#include <string>
#include <vector>

#include "base/utf8.h"
#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_decoders.h"
#include "programs/evaluate/row_decoder.h"
#include "programs/evaluate/series_table.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

constexpr size_t kMostBytes = 24;

std::vector<LabelPlan> TakeLabels(FuzzInput& input) {
  std::vector<LabelPlan> labels;
  uint32_t offset = 0;
  for (const char* name : {"one", "two"}) {
    const auto size = static_cast<uint32_t>(input.Below(kMostBytes));
    labels.push_back({.name = name, .field = {offset, size}, .decoders = TakeDecoderPlans(input)});
    offset += size;
    if (input.Flip()) break;
  }
  return labels;
}

void Check(FuzzInput input) {
  const size_t key_size = input.Below(2 * kMostBytes);
  auto decoder = RowDecoder::Make(TakeLabels(input), {}, FuzzHost());
  if (!decoder) return;
  const bool apart = decoder->TellsApart(key_size, CpuRule::kSum);
  std::string joined;
  std::map<std::string, std::string> keys;  // by what was made of them
  while (!input.empty()) {
    const std::string key(input.Take(key_size));
    if (key.empty()) break;
    const auto verdict = decoder->Decode({.key = key, .value = {}});
    if (!verdict) {
      Require(verdict.error().kind == ErrorKind::kInvalid, "it is the input's fault",
              verdict.error().message);
      continue;
    }
    if (*verdict == Decoder::Verdict::kDrop) continue;
    for (const std::string& value : decoder->values())
      Require(IsValidUtf8(value), "a label's value is UTF-8", value);
    JoinLabels(decoder->values(), joined);
    const auto [known, is_new] = keys.emplace(joined, key);
    Require(!apart || is_new || known->second == key, "no two keys fall together", key);
  }
}

}  // namespace
}  // namespace bpftally

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpftally::Check({data, size});
  return 0;
}
