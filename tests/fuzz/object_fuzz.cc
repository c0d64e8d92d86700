// Object files: any bytes, against a configuration that there is.

#include <sys/mman.h>
#include <unistd.h>

#include <string>

#include "base/unique_fd.h"
#include "fuzz/fuzz_check.h"
#include "programs/frontends/ebpf_exporter/planner.h"
#include "programs/frontends/ebpf_exporter/v2_yaml.h"
#include "programs/object/object_facts.h"

namespace bpftally {
namespace {

// Reads two of the maps of tests/programs/facts_subject.bpf.c.
constexpr std::string_view kYaml = R"(
metrics:
  counters:
    - {name: plain, help: Plain., labels: [{name: slot, size: 4, decoders: [{name: uint}]}]}
    - name: a_name_longer_than_the_kernel_keeps
      help: Long.
      labels:
        - {name: kind, size: 1, padding: 7, decoders: [{name: uint}]}
        - {name: id, size: 8, decoders: [{name: uint}]}
        - {name: inner, size: 8, decoders: [{name: hex}]}
  histograms:
    - name: bits
      help: Bits.
      bucket_type: exp2
      bucket_max: 26
      labels: [{name: bucket, size: 4, decoders: [{name: uint}]}]
)";

UniqueFd InMemory(const uint8_t* data, size_t size) {
  UniqueFd file(memfd_create("object", 0));
  const bool whole = write(file.get(), data, size) == static_cast<ssize_t>(size);
  Require(whole, "the file could be made");
  return file;
}

void Check(const uint8_t* data, size_t size) {
  const UniqueFd file = InMemory(data, size);
  const auto facts = ReadObjectFacts("/proc/self/fd/" + std::to_string(file.get()));
  if (!facts) return Require(!facts.error().message.empty(), "an error says what is wrong");
  const ParsedConfig parsed = ParseEbpfExporterConfig(kYaml, "facts_subject.yaml");
  Require(!HasErrors(parsed.findings), "the configuration is good");
  for (const Finding& finding : MakePlan(parsed.config, *facts).findings)
    Require(!ToString(finding).empty(), "a finding says what is wrong");
}

}  // namespace
}  // namespace bpftally

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpftally::Check(data, size);
  return 0;
}
