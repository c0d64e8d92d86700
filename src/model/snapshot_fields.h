#pragma once

// The fields of each struct of a snapshot, in the order of its YAML: one list for the writer and
// the reader of snapshot_yaml.cc. A visitor is called with (key, field), and for the fields that
// must be there as Id(field) and Type(field, name of a value).

#include <concepts>
#include <type_traits>

#include "model/snapshot.h"
#include "model/type_names.h"

namespace bpftally {

template <typename T, typename Struct>
concept Like = std::same_as<std::remove_const_t<T>, Struct>;

using Statuses = decltype(Snapshot::status);
using Tag = decltype(ProgramInfo::tag);

void Fields(auto& visit, Like<ProgramInfo> auto& info) {
  visit.Id(info.id);
  visit.Type(info.type, ProgramTypeName);
  visit("name", info.name);
  visit("tag", info.tag);
  visit("gpl_compatible", info.gpl_compatible);
  visit("load_time_ns", info.load_time_ns);
  visit("uid", info.uid);
  visit("translated_bytes", info.translated_bytes);
  visit("jitted_bytes", info.jitted_bytes);
  visit("memory_bytes", info.memory_bytes);
  visit("verified_instructions", info.verified_instructions);
  visit("run_time_ns", info.run_time_ns);
  visit("run_count", info.run_count);
  visit("recursion_misses", info.recursion_misses);
  visit("map_ids", info.map_ids);
  visit("btf_id", info.btf_id);
  visit("stack_depth_bytes", info.stack_depth_bytes);
  visit("subprograms", info.subprograms);
  visit("self", info.self);
}

void Fields(auto& visit, Like<MapInfo> auto& info) {
  visit.Id(info.id);
  visit.Type(info.type, MapTypeName);
  visit("name", info.name);
  visit("key_size", info.key_size);
  visit("value_size", info.value_size);
  visit("max_entries", info.max_entries);
  visit("flags", info.flags);
  visit("map_extra", info.map_extra);
  visit("frozen", info.frozen);
  visit("btf_id", info.btf_id);
  visit("entries", info.entries);
  visit("memory_bytes", info.memory_bytes);
  visit("buffer_size_bytes", info.buffer_size_bytes);
  visit("buffer_backlog_bytes", info.buffer_backlog_bytes);
  visit("perf_lost", info.perf_lost);
  visit("self", info.self);
}

void Fields(auto& visit, Like<LinkInfo> auto& info) {
  visit.Id(info.id);
  visit.Type(info.type, LinkTypeName);
  visit("program_id", info.program_id);
  visit("attach_type", info.attach_type);
  visit("target", info.target);
  visit("netns", info.netns);
  visit("target_count", info.target_count);
  visit("missed", info.missed);
  visit("self", info.self);
}

void Fields(auto& visit, Like<BtfInfo> auto& info) {
  visit.Id(info.id);
  visit("name", info.name);
  visit("kernel", info.kernel);
  visit("size_bytes", info.size_bytes);
}

void Fields(auto& visit, Like<Error> auto& error) {
  visit("kind", error.kind);
  visit("errno", error.sys_errno);
  visit("message", error.message);
}

void Fields(auto& visit, Like<KindStatus> auto& status) {
  visit("source", status.source);
  visit("complete", status.complete);
  visit("vanished", status.vanished);
  visit("created", status.created);
  visit("error", status.error);
}

void Fields(auto& visit, Like<Statuses> auto& statuses) {
  for (const ObjectKind kind : kObjectKinds)
    visit(ObjectKindName(kind), statuses[static_cast<size_t>(kind)]);
}

void Fields(auto& visit, Like<Feature> auto& feature) {
  visit("name", feature.name);
  visit("source", feature.source);
  visit("available", feature.available);
}

void Fields(auto& visit, Like<Snapshot> auto& snapshot) {
  visit("taken_at_ns", snapshot.taken_at_ns);
  visit("stats_enabled", snapshot.stats_enabled);
  visit("status", snapshot.status);
  visit("features", snapshot.features);
  visit("programs", snapshot.programs);
  visit("maps", snapshot.maps);
  visit("links", snapshot.links);
  visit("btf", snapshot.btf);
}

}  // namespace bpftally
