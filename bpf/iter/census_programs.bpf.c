/* SPDX-License-Identifier: (GPL-2.0-only OR BSD-2-Clause) */
/* Iterates over all programs. Writes a program_record for each, followed by the ids of its maps. */
#include "census_records.h"
#include "kernel_read.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct bpf_iter__bpf_prog {
  struct bpf_iter_meta *meta;
  struct bpf_prog *prog;
} __attribute__((preserve_access_index));

const volatile __u32 possible_cpus = 1;
const volatile bool read_run_stats = true;

/*
 * Array from which the per-CPU offsets are computed: the offset of a CPU is the address of the element on that CPU
 * minus the array's __percpu pointer. This needs no kernel symbol, so it works without KALLSYMS_ALL.
 */
struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 1);
  __type(key, __u32);
  __type(value, __u64);
} percpu_probe SEC(".maps");

volatile __u64 percpu_map; /* address of percpu_probe; the verifier treats a value loaded from memory as a number */
__u64 percpu_element[CENSUS_MAX_CPUS];
__u64 percpu_base; /* 0: not computed yet */

static bool LearnPercpuOffsets(void)
{
  const __u32 zero = 0;
  __u64 base = 0;

  if (percpu_base)
    return true;
  if (!bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_map_lookup_percpu_elem)) /* 5.19 */
    return false;
  percpu_map = (__u64)&percpu_probe;
  if (!KERNEL_READ_U64(base, percpu_map + bpf_core_field_offset(struct bpf_array, pptrs)))
    return false;
  for (__u32 cpu = 0; cpu < CENSUS_MAX_CPUS; cpu++) {
    if (cpu >= possible_cpus)
      break;
    void *element = bpf_map_lookup_percpu_elem(&percpu_probe, &zero, cpu);
    if (!element)
      return false;
    percpu_element[cpu] = (__u64)element;
  }
  percpu_base = base;
  return base != 0;
}

static bool ReadRunStats(struct program_record *record, struct bpf_prog *prog)
{
  __u64 stats = 0;

  /* Checked before the offset is used: without the member, CO-RE makes that an invalid instruction. */
  if (!bpf_core_field_exists(struct bpf_prog, stats)) /* 5.12 */
    return false;
  if (!KERNEL_READ_U64(stats, (__u64)prog + bpf_core_field_offset(struct bpf_prog, stats)) || !stats ||
      !LearnPercpuOffsets())
    return false;
  for (__u32 cpu = 0; cpu < CENSUS_MAX_CPUS; cpu++) {
    if (cpu >= possible_cpus)
      break;
    const __u64 here = stats + (percpu_element[cpu] - percpu_base);
    __u64 count = 0, nanoseconds = 0, misses = 0;
    if (!KERNEL_READ(count, struct bpf_prog_stats, here, cnt) ||
        !KERNEL_READ(nanoseconds, struct bpf_prog_stats, here, nsecs) ||
        !KERNEL_READ(misses, struct bpf_prog_stats, here, misses))
      return false;
    record->run_count += count;
    record->run_time_ns += nanoseconds;
    record->recursion_misses += misses;
  }
  return true;
}

/* Sums as bpf_prog_get_info_by_fd does: a program with subprograms consists of several images. */
static bool ReadJittedSize(struct program_record *record, struct bpf_prog *prog)
{
  const __u64 functions = (__u64)prog->aux->func;

  if (!record->functions) {
    record->jitted_bytes = prog->jited_len;
    return true;
  }
  for (__u32 i = 0; i < 512; i++) { /* BPF_MAX_SUBPROGS is 256 */
    __u64 function = 0;
    __u32 length = 0;
    if (i >= record->functions)
      return true;
    if (!KERNEL_READ_U64(function, functions + i * sizeof(void *)) ||
        !KERNEL_READ(length, struct bpf_prog, function, jited_len))
      return false;
    record->jitted_bytes += length;
  }
  return false;
}

/* Writes the ids behind the record, one by one: an array on the stack would have to be cleared for each program. */
static void WriteMapIds(struct seq_file *seq, struct bpf_prog *prog, __u32 count)
{
  const __u64 maps = (__u64)prog->aux->used_maps;

  for (__u32 i = 0; i < CENSUS_MAX_MAP_IDS; i++) {
    __u64 map = 0;
    __u32 id = 0;
    if (i >= count)
      break;
    if (KERNEL_READ_U64(map, maps + i * sizeof(void *)))
      KERNEL_READ(id, struct bpf_map, map, id);
    bpf_seq_write(seq, &id, sizeof(id));
  }
}

static void Copy16(void *to, const void *from)
{
  ((__u64 *)to)[0] = ((const __u64 *)from)[0];
  ((__u64 *)to)[1] = ((const __u64 *)from)[1];
}

/*
 * Reads only the byte that has the bit. In newer kernels (7.x at the latest) the four bytes around it begin with
 * another member, and the verifier refuses a load that spans both, as BPF_CORE_READ_BITFIELD makes.
 */
static bool IsGplCompatible(struct bpf_prog *prog)
{
  __u32 shift = __CORE_RELO(prog, gpl_compatible, LSHIFT_U64);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  __u32 bit = 63 - shift, mask = 1 << bit % 8;
#else
  __u32 bit = shift - 64 + 8 * __CORE_RELO(prog, gpl_compatible, BYTE_SIZE), mask = 0x80 >> bit % 8;
#endif
  const __u8 *byte = (const void *)prog + __CORE_RELO(prog, gpl_compatible, BYTE_OFFSET) + bit / 8;

  return *byte & mask;
}

static void ReadProgram(struct program_record *record, struct bpf_prog *prog)
{
  struct bpf_prog_aux *aux = prog->aux;

  record->id = aux->id;
  record->type = prog->type;
  record->load_time_boot_ns = aux->load_time;
  *(__u64 *)record->tag = *(__u64 *)prog->tag;
  Copy16(record->name, aux->name);
  record->uid = aux->user->uid.val;
  record->instructions = prog->len;
  record->pages = prog->pages;
  record->stack_depth = aux->stack_depth;
  record->functions = aux->func_cnt;
  record->gpl_compatible = IsGplCompatible(prog);
  if (aux->btf)
    record->btf_id = aux->btf->id;
  if (aux->func_info)
    record->func_info_type_id = aux->func_info->type_id;
  if (bpf_core_field_exists(aux->verified_insns)) {
    record->verified_instructions = aux->verified_insns;
    record->known |= PROGRAM_KNOWS_VERIFIED;
  }
}

SEC("iter/bpf_prog")
int census_programs(struct bpf_iter__bpf_prog *ctx)
{
  struct bpf_prog *prog = ctx->prog;
  struct program_record record = {};

  if (!prog)
    return 0;
  ReadProgram(&record, prog);
  if (ReadJittedSize(&record, prog))
    record.known |= PROGRAM_KNOWS_JITTED_SIZE;
  if (read_run_stats && ReadRunStats(&record, prog))
    record.known |= PROGRAM_KNOWS_RUN_STATS;
  if (KERNEL_READS && prog->aux->used_map_cnt <= CENSUS_MAX_MAP_IDS) {
    record.map_id_count = prog->aux->used_map_cnt;
    record.known |= PROGRAM_KNOWS_MAP_IDS;
  }
  record.size = sizeof(record) + record.map_id_count * sizeof(__u32);
  bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
  WriteMapIds(ctx->meta->seq, prog, record.map_id_count);
  return 0;
}
