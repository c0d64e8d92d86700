#include "collect/compat_families.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <string>

#include "collect/labels.h"
#include "model/type_names.h"

namespace bpftally {
namespace {

constexpr size_t kShortName = 15;  // the kernel's names; ours are the full ones of BTF

const std::vector<std::string> kLabels = {"id", "name", "type"};

std::string_view ShortName(std::string_view name, MetricBatch& batch) {
  return batch.Intern(name.substr(0, kShortName));
}

// The tag's bytes as one number, the first the highest.
std::string_view DecimalTag(const ProgramInfo& info, MetricBatch& batch) {
  uint64_t tag = 0;
  for (const uint8_t byte : info.tag) tag = tag << 8 | byte;
  return batch.InternNumber(tag);
}

std::string_view MapIds(const ProgramInfo& info, MetricBatch& batch) {
  const auto ids = info.map_ids.value_or(std::vector<uint32_t>());
  return batch.Intern(fmt::format("[{}]", fmt::join(ids, ", ")));
}

// "percpu_array" is "per_cpu_array" there.
std::string_view MapType(uint32_t type, MetricBatch& batch) {
  constexpr std::string_view kOurs = "percpu";
  const std::string_view name = MapTypeName(type);
  const size_t at = name.find(kOurs);
  if (at == std::string_view::npos) return name;
  return batch.Intern(
      fmt::format("{}per_cpu{}", name.substr(0, at), name.substr(at + kOurs.size())));
}

FamilySpec Counter(std::string name, std::string help, std::string unit) {
  return {std::move(name), std::move(help), MetricType::kCounter, std::move(unit), kLabels};
}

}  // namespace

void AddCompatPrograms(ObjectFamilies<ProgramInfo>& families, MetricBatch& batch) {
  const auto labels = families.Labels([&](const ProgramInfo& info) {
    return batch.Labels(
        {batch.InternNumber(info.id), ShortName(info.name, batch), ProgramTypeName(info.type)});
  });
  families.AddInfo(
      {"bpf_program_info",
       "eBPF Program metadata",
       MetricType::kGauge,
       "",
       {"id", "name", "type", "tag", "gpl_compatible", "map_ids", "load_time"}},
      [](const ProgramInfo&) { return true; },
      [&](const ProgramInfo& info, size_t i) {
        const LabelValues identity = labels[i];
        return batch.Labels({identity[0], identity[1], identity[2], DecimalTag(info, batch),
                             BoolLabel(info.gpl_compatible), MapIds(info, batch),
                             TimeLabel(info.load_time_ns, batch)});
      });
  families.Add(
      {"bpf_program_load_time_seconds", "BPF program load time", MetricType::kGauge, "s", kLabels},
      labels, LoadSeconds);
  families.Add(
      Counter("bpf_program_size_translated_bytes_total", "BPF program size in bytes", "By"), labels,
      [](const ProgramInfo& info) { return Known(info.translated_bytes); });
  families.Add(Counter("bpf_program_size_jitted_bytes_total",
                       "The size in bytes of the program's JIT-compiled machine code.", "By"),
               labels, [](const ProgramInfo& info) { return Known(info.jitted_bytes); });
  families.Add(Counter("bpf_program_mem_bytes_total", "BPF program memory usage in bytes", "By"),
               labels, [](const ProgramInfo& info) { return Known(info.memory_bytes); });
  families.Add(Counter("bpf_program_verified_instructions_total",
                       "BPF program verified instructions", "{instruction}"),
               labels, [](const ProgramInfo& info) { return Known(info.verified_instructions); });
}

void AddCompatMaps(ObjectFamilies<MapInfo>& families, MetricBatch& batch) {
  const auto labels = families.Labels([&](const MapInfo& info) {
    return batch.Labels(
        {batch.InternNumber(info.id), ShortName(info.name, batch), MapType(info.type, batch)});
  });
  families.AddInfo(
      {"bpf_map_info",
       "eBPF Map metadata",
       MetricType::kGauge,
       "",
       {"name", "id", "type", "key_size", "value_size", "max_entries", "flags"}},
      [](const MapInfo&) { return true; },
      [&](const MapInfo& info, size_t i) {
        const LabelValues identity = labels[i];
        return batch.Labels({identity[1], identity[0], identity[2],
                             batch.InternNumber(info.key_size), batch.InternNumber(info.value_size),
                             batch.InternNumber(info.max_entries), batch.InternNumber(info.flags)});
      });
  families.Add(Counter("bpf_map_key_size_bytes_total", "BPF map key size", "By"), labels,
               [](const MapInfo& info) { return std::optional<Number>(uint64_t{info.key_size}); });
  families.Add(
      Counter("bpf_map_value_size_bytes_total", "BPF map value size", "By"), labels,
      [](const MapInfo& info) { return std::optional<Number>(uint64_t{info.value_size}); });
  // Entries are no bytes; the name is that exporter's.
  families.Add(
      Counter("bpf_map_max_entries_bytes_total", "BPF map maximum number of entries", "By"), labels,
      [](const MapInfo& info) { return std::optional<Number>(uint64_t{info.max_entries}); });
}

void AddCompatLinks(ObjectFamilies<LinkInfo>& families, MetricBatch& batch) {
  families.AddInfo(
      {"bpf_link_info", "eBPF Link metadata", MetricType::kGauge, "", {"id", "prog_id", "type"}},
      [](const LinkInfo&) { return true; },
      [&](const LinkInfo& info, size_t) {
        return batch.Labels({batch.InternNumber(info.id), batch.InternNumber(info.program_id),
                             batch.InternNumber(info.type)});
      });
}

}  // namespace bpftally
