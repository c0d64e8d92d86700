#include <algorithm>
#include <array>
#include <cstring>
#include <optional>
#include <unordered_map>

#include "census/iterator_reader.h"
#include "census/object_part.h"
#include "census/parts.h"
#include "census/run_stats.h"
#include "census_records.h"
#include "kernel/bpf_sys.h"
#include "kernel/object_info.h"
#include "kernel/page_size.h"

namespace bpftally {
namespace {

constexpr uint32_t kInstructionBytes = 8;

// Our copy of bpf_prog_info's input: room for the most maps that a program can have, and the first
// func_info record.
struct ProgramQuery {
  bpf_prog_info info{};
  std::array<uint32_t, CENSUS_MAX_MAP_IDS> map_ids{};
  bpf_func_info main{};

  ProgramQuery() {
    info.nr_map_ids = static_cast<uint32_t>(map_ids.size());
    info.map_ids = reinterpret_cast<uintptr_t>(map_ids.data());
    info.nr_func_info = 1;
    info.func_info_rec_size = sizeof main;
    info.func_info = reinterpret_cast<uintptr_t>(&main);
  }
};

// Whatever was said: it may wrap, but not overflow.
int64_t WallTime(const Pass& pass, uint64_t boot_ns) {
  return static_cast<int64_t>(boot_ns + static_cast<uint64_t>(pass.boot_to_wall_ns));
}

ProgramInfo FromQuery(const Pass& pass, const ProgramQuery& query, size_t known) {
  const bpf_prog_info& info = query.info;
  ProgramInfo program{.id = info.id, .type = info.type};
  std::memcpy(program.tag.data(), info.tag, program.tag.size());
  program.translated_bytes = info.xlated_prog_len;
  program.jitted_bytes = info.jited_prog_len;
  if (BPFTALLY_HAS_FIELD(bpf_prog_info, name, known)) {
    program.load_time_ns = WallTime(pass, info.load_time);
    program.uid = info.created_by_uid;
    const auto count = std::min<size_t>(info.nr_map_ids, query.map_ids.size());
    program.map_ids.emplace(query.map_ids.begin(),
                            query.map_ids.begin() + static_cast<ptrdiff_t>(count));
    program.name = FixedText(info.name);
  }
  if (BPFTALLY_HAS_FIELD(bpf_prog_info, nr_jited_func_lens, known)) {
    program.gpl_compatible = info.gpl_compatible != 0;
    program.subprograms = info.nr_jited_ksyms;
  }
  if (BPFTALLY_HAS_FIELD(bpf_prog_info, btf_id, known)) program.btf_id = info.btf_id;
  if (BPFTALLY_HAS_FIELD(bpf_prog_info, run_cnt, known)) {
    program.run_time_ns = info.run_time_ns;
    program.run_count = info.run_cnt;
  }
  if (BPFTALLY_HAS_FIELD(bpf_prog_info, recursion_misses, known))
    program.recursion_misses = info.recursion_misses;
  if (BPFTALLY_HAS_FIELD(bpf_prog_info, verified_insns, known))
    program.verified_instructions = info.verified_insns;
  return program;
}

ProgramInfo FromRecord(const Pass& pass, const program_record& record,
                       std::span<const std::byte> tail) {
  ProgramInfo program{.id = record.id, .type = record.type};
  std::memcpy(program.tag.data(), record.tag, program.tag.size());
  program.gpl_compatible = record.gpl_compatible != 0;
  program.load_time_ns = WallTime(pass, record.load_time_boot_ns);
  program.uid = record.uid;
  program.translated_bytes = record.instructions * kInstructionBytes;
  program.memory_bytes = record.pages * PageSize();
  program.stack_depth_bytes = record.stack_depth;
  program.subprograms = std::max(record.functions, uint32_t{1});
  program.btf_id = record.btf_id;
  if (record.known & PROGRAM_KNOWS_JITTED_SIZE) program.jitted_bytes = record.jitted_bytes;
  if (record.known & PROGRAM_KNOWS_VERIFIED)
    program.verified_instructions = record.verified_instructions;
  if (record.known & PROGRAM_KNOWS_RUN_STATS) {
    program.recursion_misses = record.recursion_misses;
    program.run_time_ns = record.run_time_ns;
    program.run_count = record.run_count;
  }
  if (record.known & PROGRAM_KNOWS_MAP_IDS) {
    auto& ids = program.map_ids.emplace(
        std::min<size_t>(record.map_id_count, tail.size() / sizeof(uint32_t)));
    if (!ids.empty()) std::memcpy(ids.data(), tail.data(), ids.size() * sizeof(uint32_t));
  }
  return program;
}

// What the iterator may lack where it cannot follow pointers (before 6.2 under
// lockdown=confidentiality) or per-CPU ones (before 5.19): the system call tells it.
Result<void> FillIn(const Pass& pass, ProgramInfo& program) {
  if (program.run_count && program.map_ids && program.jitted_bytes) return {};
  if (auto in_time = pass.CheckDeadline(); !in_time) return in_time;
  const auto fd = pass.sys.OpenById(ObjectKind::kProgram, program.id);
  ProgramQuery query;
  const auto known =
      fd ? GetInfo(pass.sys, fd->get(), query.info) : Result<size_t>(std::unexpected(fd.error()));
  if (!known) {
    if (known.error().kind == ErrorKind::kVanished)
      return {};  // it was there for the iterator, and is listed
    return std::unexpected(known.error());
  }
  const ProgramInfo told = FromQuery(pass, query, *known);
  if (!program.jitted_bytes) program.jitted_bytes = told.jitted_bytes;
  if (!program.map_ids) program.map_ids = told.map_ids;
  if (!program.run_count) {
    program.run_time_ns = told.run_time_ns;
    program.run_count = told.run_count;
    program.recursion_misses = told.recursion_misses;
  }
  return {};
}

// Reads the programs. Remembers what never changes in a program's life and costs more than its
// walk.
class ProgramsPart final : public ObjectPart {
 public:
  explicit ProgramsPart(const CensusContext& context)
      : ObjectPart(ObjectKind::kProgram, context),
        run_stats_(context.sys, context.options.run_stats) {}

  void Forget(const Snapshot& snapshot) override { ForgetDead(constants_, snapshot.programs); }

 private:
  struct Constant {
    int64_t load_time_ns = 0;  // with the id, tells a program from a later one with the same id
    std::optional<std::string> name = std::nullopt;  // empty: not known yet, like the memory
    std::optional<uint64_t> memory_bytes = std::nullopt;
  };

  Result<void> WalkByIterator(const Pass& pass, int link_fd, Snapshot& snapshot) override;
  Result<void> WalkById(const Pass& pass, uint64_t& vanished, Snapshot& snapshot) override;
  uint32_t HighestId(const Snapshot& snapshot) const override {
    return HighestIdOf(snapshot.programs);
  }
  void Finish(const Pass& pass, Snapshot& snapshot) override;

  Result<void> Add(const Pass& pass, const program_record& record,
                   std::span<const std::byte> map_ids, std::vector<ProgramInfo>& out);
  Result<void> Visit(const Pass& pass, uint32_t id, int fd, std::vector<ProgramInfo>& out);
  Constant& Remember(uint32_t id, int64_t load_time_ns);
  Result<void> SetName(const Pass& pass, uint32_t type_id, std::string short_name,
                       Constant& constant, ProgramInfo& program);

  std::vector<std::byte> buffer_;
  std::unordered_map<uint32_t, Constant> constants_;
  RunStats run_stats_;
};

ProgramsPart::Constant& ProgramsPart::Remember(uint32_t id, int64_t load_time_ns) {
  Constant& constant = constants_[id];
  if (constant.load_time_ns != load_time_ns) constant = {.load_time_ns = load_time_ns};
  return constant;
}

// Fails where it is too late to look: under its short name the program would be another one for a
// pass.
Result<void> ProgramsPart::SetName(const Pass& pass, uint32_t type_id, std::string short_name,
                                   Constant& constant, ProgramInfo& program) {
  program.name = constant.name.value_or(std::move(short_name));
  if (constant.name) return {};
  if (program.btf_id.value_or(0) != 0 && type_id != 0 && pass.may_open) {
    if (auto in_time = pass.CheckDeadline(); !in_time) return in_time;
    auto full = context().names.TypeName(*program.btf_id, type_id);
    if (!full) return {};
    if (!full->empty()) program.name = std::move(*full);
  }
  constant.name = program.name;
  return {};
}

Result<void> ProgramsPart::Add(const Pass& pass, const program_record& record,
                               std::span<const std::byte> map_ids, std::vector<ProgramInfo>& out) {
  ProgramInfo program = FromRecord(pass, record, map_ids);
  Constant& constant = Remember(program.id, static_cast<int64_t>(record.load_time_boot_ns));
  auto named = SetName(pass, record.func_info_type_id, FixedText(record.name), constant, program);
  if (!named) return named;
  out.push_back(std::move(program));
  return pass.may_open ? FillIn(pass, out.back()) : Result<void>();
}

Result<void> ProgramsPart::WalkByIterator(const Pass& pass, int link_fd, Snapshot& snapshot) {
  const auto stream = ReadIterator(pass, link_fd, buffer_);
  snapshot.programs.reserve(stream.bytes.size() / sizeof(program_record));
  return ReadRecords<program_record>(
      stream, [&](const program_record& record, std::span<const std::byte> map_ids) {
        return Add(pass, record, map_ids, snapshot.programs);
      });
}

Result<void> ProgramsPart::Visit(const Pass& pass, uint32_t id, int fd,
                                 std::vector<ProgramInfo>& out) {
  ProgramQuery query;
  const auto known = GetInfo(pass.sys, fd, query.info);
  if (!known) return std::unexpected(known.error());
  ProgramInfo program = FromQuery(pass, query, *known);
  Constant& constant = Remember(id, static_cast<int64_t>(query.info.load_time));
  const uint32_t type_id = query.info.nr_func_info > 0 ? query.main.type_id : 0;
  auto named = SetName(pass, type_id, std::move(program.name), constant, program);
  if (!named) return named;
  if (!constant.memory_bytes) {
    if (const auto fdinfo = pass.sys.FdInfo(fd))
      constant.memory_bytes = FdInfoNumber(*fdinfo, "memlock");
  }
  program.memory_bytes = constant.memory_bytes;
  out.push_back(std::move(program));
  return {};
}

Result<void> ProgramsPart::WalkById(const Pass& pass, uint64_t& vanished, Snapshot& snapshot) {
  return WalkObjects(pass, ObjectKind::kProgram, vanished,
                     [&](uint32_t id, int fd) { return Visit(pass, id, fd, snapshot.programs); });
}

void ProgramsPart::Finish(const Pass&, Snapshot& snapshot) {
  run_stats_.Settle(own_program(), snapshot);
  for (ProgramInfo& program : snapshot.programs)
    program.self = context().own_programs.contains(program.id);
  context().features.Note(
      "program_run_stats", SourceName(source()),
      ShownBy(
          snapshot.programs, [](const ProgramInfo&) { return true; },
          [](const ProgramInfo& program) { return program.recursion_misses.has_value(); }));
}

}  // namespace

std::unique_ptr<CensusPart> MakeProgramsPart(const CensusContext& context) {
  return std::make_unique<ProgramsPart>(context);
}

}  // namespace bpftally
