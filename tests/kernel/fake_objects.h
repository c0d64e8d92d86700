#pragma once

// The objects of the in-memory kernel, and their form by iterator and by system call.

#include <linux/bpf.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "census_records.h"

namespace bpftally {

struct FakeProgram {
  bpf_prog_info info{};  // id, map_ids and func_info are filled in by the fake
  std::vector<uint32_t> map_ids;
  uint32_t func_info_type_id = 0;  // 0 = no func_info
  uint32_t pages = 1;
  uint32_t stack_depth = 0;
  std::string fdinfo = "memlock:\t4096\n";
};

// An entry as bpf(2) hands it over: of per-CPU types the value of every CPU.
struct FakeEntry {
  std::vector<std::byte> key;
  std::vector<std::byte> value;
};

struct FakeMap {
  bpf_map_info info{};
  uint32_t frozen = 0;
  size_t keys = 0;                 // what NextKey walks over where there are no entries
  std::vector<FakeEntry> entries;  // in the order of the walk
  mutable size_t last_found = 0;   // where the next search for a key begins
  size_t bucket = 1;               // entries that LookupBatch gives only together, as of a hash map
  uint32_t record_known = 0;       // MAP_KNOWS_*: what the iterator can tell of this one
  uint64_t buffer_pages = 0, backlog = 0, lost = 0;
  std::string fdinfo = "memlock:\t8192\n";
};

struct FakeLink {
  bpf_link_info info{};
  std::string name;  // what the second query copies out: tracepoint, function, path
  // Fields that the iterator has beside id, type, program and attach type; its text is
  // `record_text`.
  link_record record{};
  std::string record_text;
};

struct FakeBtf {
  std::string name;
  bool kernel = false;
  std::vector<std::byte> data;
};

// What our iterators of bpf/iter write of an object.
void AppendRecord(std::vector<std::byte>& stream, uint32_t id, const FakeProgram& program,
                  uint32_t known);
void AppendRecord(std::vector<std::byte>& stream, uint32_t id, const FakeMap& map);
void AppendRecord(std::vector<std::byte>& stream, uint32_t id, const FakeLink& link);

// BPF_OBJ_GET_INFO_BY_FD of a kernel that knows the first `known` bytes of the struct: how many it
// gave. Input pointers in `info` are followed.
size_t AnswerQuery(const FakeProgram& program, uint32_t id, size_t known,
                   std::span<std::byte> info);
size_t AnswerQuery(const FakeMap& map, uint32_t id, size_t known, std::span<std::byte> info);
size_t AnswerQuery(const FakeLink& link, uint32_t id, size_t known, std::span<std::byte> info);
size_t AnswerQuery(const FakeBtf& object, uint32_t id, std::span<std::byte> info);

}  // namespace bpftally
