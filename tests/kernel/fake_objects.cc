#include "kernel/fake_objects.h"

#include <algorithm>
#include <cstring>

namespace bpftally {
namespace {

template <typename T>
void Append(std::vector<std::byte>& stream, const T& value) {
  const auto bytes = std::as_bytes(std::span(&value, 1));
  stream.insert(stream.end(), bytes.begin(), bytes.end());
}

template <typename Info>
Info Question(std::span<const std::byte> bytes) {
  Info question{};
  std::memcpy(&question, bytes.data(), std::min(bytes.size(), sizeof question));
  return question;
}

template <typename Info>
size_t Give(const Info& answer, size_t known, std::span<std::byte> out) {
  const size_t length = std::min({sizeof answer, known, out.size()});
  std::memcpy(out.data(), &answer, length);
  return length;
}

// Copies a name to where a query wants it, cut to its room, always with its NUL.
void GiveName(uint64_t address, uint32_t room, const std::string& name) {
  if (address == 0 || room == 0) return;
  auto* to = reinterpret_cast<char*>(address);
  const size_t length = std::min<size_t>(name.size(), room - 1);
  std::memcpy(to, name.data(), length);
  to[length] = '\0';
}

}  // namespace

void AppendRecord(std::vector<std::byte>& stream, uint32_t id, const FakeProgram& program,
                  uint32_t known) {
  const bpf_prog_info& info = program.info;
  program_record record{};
  record.map_id_count = static_cast<uint32_t>(program.map_ids.size());
  record.size = static_cast<uint32_t>(sizeof record + program.map_ids.size() * sizeof(uint32_t));
  record.known = known;
  record.id = id;
  record.type = info.type;
  record.load_time_boot_ns = info.load_time;
  record.run_time_ns = info.run_time_ns;
  record.run_count = info.run_cnt;
  record.recursion_misses = info.recursion_misses;
  std::memcpy(record.tag, info.tag, sizeof record.tag);
  std::memcpy(record.name, info.name, sizeof record.name);
  record.uid = info.created_by_uid;
  record.instructions = info.xlated_prog_len / 8;
  record.jitted_bytes = info.jited_prog_len;
  record.pages = program.pages;
  record.verified_instructions = info.verified_insns;
  record.stack_depth = program.stack_depth;
  record.functions = info.nr_jited_ksyms;
  record.btf_id = info.btf_id;
  record.func_info_type_id = program.func_info_type_id;
  record.gpl_compatible = info.gpl_compatible;
  Append(stream, record);
  for (const uint32_t map : program.map_ids) Append(stream, map);
}

void AppendRecord(std::vector<std::byte>& stream, uint32_t id, const FakeMap& map) {
  const bpf_map_info& info = map.info;
  map_record record{};
  record.size = sizeof record;
  record.known = map.record_known;
  record.id = id;
  record.type = info.type;
  std::memcpy(record.name, info.name, sizeof record.name);
  record.key_size = info.key_size;
  record.value_size = info.value_size;
  record.max_entries = info.max_entries;
  record.flags = info.map_flags;
  record.btf_id = info.btf_id;
  record.btf_key_type_id = info.btf_key_type_id;
  record.btf_value_type_id = info.btf_value_type_id;
  record.frozen = map.frozen;
  record.map_extra = info.map_extra;
  record.entries = map.keys;
  record.buffer_pages = map.buffer_pages;
  record.backlog = map.backlog;
  record.lost = map.lost;
  Append(stream, record);
}

void AppendRecord(std::vector<std::byte>& stream, uint32_t id, const FakeLink& link) {
  link_record record = link.record;
  if (!link.record_text.empty()) {
    record.known |= LINK_KNOWS_TEXT;
    record.text_size = static_cast<uint32_t>((link.record_text.size() + 8) / 8 * 8);
  }
  record.size = static_cast<uint32_t>(sizeof record) + record.text_size;
  record.id = id;
  record.type = link.info.type;
  record.program_id = link.info.prog_id;
  Append(stream, record);
  const size_t text_start = stream.size();
  stream.resize(text_start + record.text_size);
  std::memcpy(stream.data() + text_start, link.record_text.data(), link.record_text.size());
}

size_t AnswerQuery(const FakeProgram& program, uint32_t id, size_t known,
                   std::span<std::byte> out) {
  const auto question = Question<bpf_prog_info>(out);
  bpf_prog_info answer = program.info;
  answer.id = id;
  answer.map_ids = question.map_ids;
  answer.nr_map_ids = static_cast<uint32_t>(program.map_ids.size());
  if (known > offsetof(bpf_prog_info, map_ids) && question.map_ids != 0) {
    const size_t count = std::min<size_t>(question.nr_map_ids, program.map_ids.size());
    std::copy_n(program.map_ids.begin(), count, reinterpret_cast<uint32_t*>(question.map_ids));
  }
  answer.func_info = question.func_info;
  answer.func_info_rec_size = sizeof(bpf_func_info);
  answer.nr_func_info = program.func_info_type_id == 0 ? 0 : 1;
  if (known > offsetof(bpf_prog_info, nr_func_info) && question.func_info != 0 &&
      question.nr_func_info > 0 && answer.nr_func_info > 0) {
    *reinterpret_cast<bpf_func_info*>(question.func_info) = {.insn_off = 0,
                                                             .type_id = program.func_info_type_id};
  }
  return Give(answer, known, out);
}

size_t AnswerQuery(const FakeLink& link, uint32_t id, size_t known, std::span<std::byte> out) {
  const auto question = Question<bpf_link_info>(out);
  bpf_link_info answer = link.info;
  answer.id = id;
  switch (answer.type) {
    case BPF_LINK_TYPE_RAW_TRACEPOINT:
      GiveName(question.raw_tracepoint.tp_name, question.raw_tracepoint.tp_name_len, link.name);
      break;
    case BPF_LINK_TYPE_ITER:
      GiveName(question.iter.target_name, question.iter.target_name_len, link.name);
      break;
    case BPF_LINK_TYPE_UPROBE_MULTI:
      GiveName(question.uprobe_multi.path, question.uprobe_multi.path_size, link.name);
      break;
    case BPF_LINK_TYPE_PERF_EVENT:
      // An event without a name leaves the query's room alone.
      if (answer.perf_event.type != BPF_PERF_EVENT_EVENT)
        GiveName(question.perf_event.uprobe.file_name, question.perf_event.uprobe.name_len,
                 link.name);
      break;
    default:
      break;
  }
  return Give(answer, known, out);
}

size_t AnswerQuery(const FakeBtf& object, uint32_t id, std::span<std::byte> out) {
  const auto question = Question<bpf_btf_info>(out);
  bpf_btf_info answer = question;
  answer.id = id;
  answer.kernel_btf = object.kernel;
  answer.btf_size = static_cast<uint32_t>(object.data.size());
  GiveName(question.name, question.name_len, object.name);
  if (question.btf != 0) {
    std::copy_n(object.data.begin(), std::min<size_t>(question.btf_size, object.data.size()),
                reinterpret_cast<std::byte*>(question.btf));
  }
  return Give(answer, sizeof answer, out);
}

size_t AnswerQuery(const FakeMap& map, uint32_t id, size_t known, std::span<std::byte> out) {
  bpf_map_info answer = map.info;
  answer.id = id;
  return Give(answer, known, out);
}

}  // namespace bpftally
