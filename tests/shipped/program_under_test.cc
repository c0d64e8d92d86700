#include "shipped/program_under_test.h"

#include <algorithm>

#include "export/prometheus/exposition_parser.h"

namespace bpftally {
namespace {

bool Has(const ParsedSample& sample, const Labels& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& label) {
    const auto found = sample.labels.find(label.first);
    return found != sample.labels.end() && found->second == label.second;
  });
}

}  // namespace

ProgramUnderTest::ProgramUnderTest(const std::string& name) : exporter_({"--programs=" + name}) {
  exporter_.WaitForPort();
}

double ProgramUnderTest::Value(const std::string& sample, const Labels& labels) {
  const auto families = ParseExposition(Scrape(), TextFormat::kPrometheus004);
  if (!families) {
    ADD_FAILURE() << families.error();
    return 0;
  }
  double sum = 0;
  for (const ParsedFamily& family : *families) {
    for (const ParsedSample& found : family.samples) {
      if (found.name == "ebpf_exporter_" + sample && Has(found, labels)) sum += found.value;
    }
  }
  return sum;
}

double ProgramUnderTest::Growth(const std::string& sample, const Labels& labels, double before,
                                double enough) {
  double growth = 0;
  Eventually([&] {
    growth = Value(sample, labels) - before;
    return growth >= enough;
  });
  return growth;
}

}  // namespace bpftally
