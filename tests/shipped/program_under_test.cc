#include "shipped/program_under_test.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <sstream>
#include <vector>

#include "base/unique_fd.h"
#include "export/prometheus/exposition_parser.h"

namespace bpftally {
namespace {

bool Has(const ParsedSample& sample, const Labels& wanted) {
  return std::ranges::all_of(wanted, [&](const auto& label) {
    const auto found = sample.labels.find(label.first);
    return found != sample.labels.end() && found->second == label.second;
  });
}

// The map of this name among those that the process holds open.
UniqueFd MapOf(pid_t pid, const std::string& name, bpf_map_info& info) {
  const std::string directory = "/proc/" + std::to_string(pid) + "/fdinfo";
  for (const auto& file : std::filesystem::directory_iterator(directory)) {
    std::istringstream words(ReadFile(file.path()));
    std::string word;
    while (words >> word && word != "map_id:") {
    }
    uint32_t id = 0;
    if (!(words >> id)) continue;
    UniqueFd map(bpf_map_get_fd_by_id(id));
    uint32_t size = sizeof(info);
    info = {};
    if (map && bpf_map_get_info_by_fd(map.get(), &info, &size) == 0 && name == info.name)
      return map;
  }
  return UniqueFd();
}

std::vector<uint64_t> AnHourFromNow(const bpf_map_info& map) {
  const std::chrono::nanoseconds now = std::chrono::steady_clock::now().time_since_epoch();
  const bool per_cpu = map.type == BPF_MAP_TYPE_PERCPU_ARRAY;
  const size_t times = map.value_size / sizeof(uint64_t) *
                       static_cast<size_t>(per_cpu ? libbpf_num_possible_cpus() : 1);
  return std::vector<uint64_t>(times, static_cast<uint64_t>((now + std::chrono::hours(1)).count()));
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

size_t ProgramUnderTest::MoveTimesAhead(const std::string& name) {
  bpf_map_info info;
  const UniqueFd map = MapOf(exporter_.process().pid(), name, info);
  if (!map) {
    ADD_FAILURE() << "the exporter has no map " << name;
    return 0;
  }
  const std::vector<uint64_t> later = AnHourFromNow(info);
  std::vector<char> key(info.key_size), next(info.key_size);
  size_t moved = 0;
  const void* after = nullptr;
  // Others change the map meanwhile: never more steps than it has room for.
  for (uint32_t i = 0; i < info.max_entries; ++i) {
    if (bpf_map_get_next_key(map.get(), after, next.data()) != 0) break;
    key = next;
    after = key.data();
    if (bpf_map_update_elem(map.get(), key.data(), later.data(), BPF_EXIST) == 0) ++moved;
  }
  return moved;
}

bool ProgramUnderTest::HasPlausibleSum(const std::string& histogram) {
  const double sum = Value(histogram + "_sum");
  constexpr double kYear = 365.0 * 86400;
  return sum >= 0 && sum < kYear;
}

}  // namespace bpftally
