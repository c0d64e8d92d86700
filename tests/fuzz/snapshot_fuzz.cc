// Snapshots from a file: any text. What is read goes out again as the same document, and what the
// collectors make of it is a valid exposition.

#include <string>
#include <string_view>

#include "collect/collector.h"
#include "export/prometheus/exposition_parser.h"
#include "export/prometheus/text_writer.h"
#include "fuzz/fuzz_check.h"
#include "model/snapshot_yaml.h"

namespace bpftally {
namespace {

void CheckExposition(const MetricBatch& batch, TextFormat format) {
  std::string text;
  WriteText(batch, format, [&](std::string_view piece) { text += piece; });
  const auto parsed = ParseExposition(text, format);
  Require(parsed.has_value(), "a strict parser reads the exposition",
          parsed ? "" : parsed.error() + "\n" + text);
}

void CheckCollectors(const Snapshot& snapshot, const CollectOptions& options) {
  MetricBatch batch;
  const CensusView view = CensusViewBuilder(options).Build(snapshot);
  for (const auto& collector : MakeCollectors(options)) (void)collector->Collect(view, batch);
  const Result<void> valid = Validate(batch);
  Require(valid.has_value(), "the metrics are valid", valid ? "" : valid.error().message);
  CheckExposition(batch, TextFormat::kPrometheus004);
  CheckExposition(batch, TextFormat::kOpenMetrics100);
}

void Check(std::string_view yaml) {
  const auto snapshot = SnapshotFromYaml(yaml);
  if (!snapshot) return;
  const std::string written = SnapshotToYaml(*snapshot);
  const auto again = SnapshotFromYaml(written);
  Require(again.has_value(), "what is written can be read",
          again ? "" : again.error().message + "\n" + written);
  Require(SnapshotToYaml(*again) == written, "it says the same", written);
  CheckCollectors(*snapshot, {.program_maps = true});
  CheckCollectors(*snapshot, {.compat = true, .hide_self = true, .max_objects = 1});
}

}  // namespace
}  // namespace bpftally

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpftally::Check({reinterpret_cast<const char*>(data), size});
  return 0;
}
