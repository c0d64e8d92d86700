#include "population/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "model/type_names.h"

namespace bpftally {
namespace {

std::string Text(const std::string& value) { return value; }
std::string Text(bool value) { return value ? "true" : "false"; }
std::string Text(uint32_t value) { return std::to_string(value); }
std::string Text(uint64_t value) { return std::to_string(value); }
std::string Text(int64_t value) { return std::to_string(value); }
std::string Text(const std::array<uint8_t, 8>& tag) {
  return fmt::format("{:02x}", fmt::join(tag, ""));
}
std::string Text(std::vector<uint32_t> ids) {
  std::ranges::sort(ids);
  return fmt::format("{}", fmt::join(ids, ","));
}

template <typename Info, typename Value>
Field<Info> Of(const char* name, Value Info::* member) {
  return {name, [member](const Info& info) { return std::optional(Text(info.*member)); }};
}

template <typename Info, typename Value>
Field<Info> Of(const char* name, std::optional<Value> Info::* member) {
  return {name, [member](const Info& info) {
            const auto& value = info.*member;
            return value ? std::optional(Text(*value)) : std::nullopt;
          }};
}

}  // namespace

const std::vector<Field<ProgramInfo>>& ProgramFields() {
  static const std::vector<Field<ProgramInfo>> fields = {
      Of("type", &ProgramInfo::type),
      Of("name", &ProgramInfo::name),
      Of("tag", &ProgramInfo::tag),
      Of("gpl_compatible", &ProgramInfo::gpl_compatible),
      Of("load_time_ns", &ProgramInfo::load_time_ns),
      Of("uid", &ProgramInfo::uid),
      Of("translated_bytes", &ProgramInfo::translated_bytes),
      Of("jitted_bytes", &ProgramInfo::jitted_bytes),
      Of("memory_bytes", &ProgramInfo::memory_bytes),
      Of("verified_instructions", &ProgramInfo::verified_instructions),
      Of("run_time_ns", &ProgramInfo::run_time_ns),
      Of("run_count", &ProgramInfo::run_count),
      Of("recursion_misses", &ProgramInfo::recursion_misses),
      Of("map_ids", &ProgramInfo::map_ids),
      Of("btf_id", &ProgramInfo::btf_id),
      Of("stack_depth_bytes", &ProgramInfo::stack_depth_bytes),
      Of("subprograms", &ProgramInfo::subprograms)};
  return fields;
}

const std::vector<Field<MapInfo>>& MapFields() {
  static const std::vector<Field<MapInfo>> fields = {
      Of("type", &MapInfo::type),
      Of("name", &MapInfo::name),
      Of("key_size", &MapInfo::key_size),
      Of("value_size", &MapInfo::value_size),
      Of("max_entries", &MapInfo::max_entries),
      Of("flags", &MapInfo::flags),
      Of("map_extra", &MapInfo::map_extra),
      Of("frozen", &MapInfo::frozen),
      Of("btf_id", &MapInfo::btf_id),
      Of("entries", &MapInfo::entries),
      Of("memory_bytes", &MapInfo::memory_bytes),
      Of("buffer_size_bytes", &MapInfo::buffer_size_bytes),
      Of("buffer_backlog_bytes", &MapInfo::buffer_backlog_bytes),
      Of("perf_lost", &MapInfo::perf_lost)};
  return fields;
}

const std::vector<Field<LinkInfo>>& LinkFields() {
  static const std::vector<Field<LinkInfo>> fields = {Of("type", &LinkInfo::type),
                                                      Of("program_id", &LinkInfo::program_id),
                                                      Of("attach_type", &LinkInfo::attach_type),
                                                      Of("target", &LinkInfo::target),
                                                      Of("netns", &LinkInfo::netns),
                                                      Of("target_count", &LinkInfo::target_count),
                                                      Of("missed", &LinkInfo::missed)};
  return fields;
}

std::string Describe(const ProgramInfo& program) {
  return fmt::format("{} program {} {}", ProgramTypeName(program.type), program.id, program.name);
}

std::string Describe(const MapInfo& map) {
  return fmt::format("{} map {} {}", MapTypeName(map.type), map.id, map.name);
}

std::string Describe(const LinkInfo& link) {
  return fmt::format("{} link {} to {}", LinkTypeName(link.type), link.id,
                     link.target.value_or("?"));
}

}  // namespace bpftally
