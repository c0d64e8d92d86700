#include "daemon/feature_advice.h"

#include <algorithm>
#include <iterator>

namespace bpftally {
namespace {

struct Advice {
  std::string_view feature;
  std::string_view source;  // empty: any
  std::string_view text;
};

constexpr Advice kAdvice[] = {
    {"program", "iterator", "needs CAP_BPF and CAP_PERFMON, kernel 5.9 and its BTF"},
    {"map", "iterator", "needs CAP_BPF and CAP_PERFMON, kernel 5.8 and its BTF"},
    {"link", "iterator", "needs CAP_BPF and CAP_PERFMON, kernel 5.19 and its BTF"},
    {"", "syscall", "needs CAP_SYS_ADMIN"},
    {"map_memory", "", "needs CAP_SYS_ADMIN and /proc"},
    {"map_entries", "",
     "needs kernel 6.6 and the iterator; --scan-map-entries counts without them"},
    {"map_buffers", "", "needs the iterator and kernel BTF"},
    {"program_run_stats", "",
     "needs CAP_PERFMON and no lockdown=confidentiality, or CAP_SYS_ADMIN"},
};

}  // namespace

std::string_view AdviceFor(const Feature& feature) {
  const auto* const advice = std::ranges::find_if(kAdvice, [&](const Advice& row) {
    return (row.feature.empty() || row.feature == feature.name) &&
           (row.source.empty() || row.source == feature.source);
  });
  return advice == std::end(kAdvice) ? std::string_view() : advice->text;
}

}  // namespace bpftally
