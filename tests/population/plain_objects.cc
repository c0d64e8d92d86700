#include "population/plain_objects.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <thread>

#include "population/libbpf_options.h"

namespace bpftally {
namespace {

constexpr std::array<bpf_insn, 2> kReturnZero = {
    bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0},
    bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};

UniqueFd Load(bpf_prog_type type, bpf_prog_load_opts* options) {
  return UniqueFd(
      bpf_prog_load(type, "plain", "GPL", kReturnZero.data(), kReturnZero.size(), options));
}

UniqueFd OpenById(ObjectKind kind, uint32_t id) {
  switch (kind) {
    case ObjectKind::kProgram:
      return UniqueFd(bpf_prog_get_fd_by_id(id));
    case ObjectKind::kMap:
      return UniqueFd(bpf_map_get_fd_by_id(id));
    case ObjectKind::kLink:
      return UniqueFd(bpf_link_get_fd_by_id(id));
    case ObjectKind::kBtf:
      return UniqueFd(bpf_btf_get_fd_by_id(id));
  }
  return {};
}

}  // namespace

UniqueFd PlainProgram(bpf_prog_type type) { return Load(type, nullptr); }

UniqueFd PlainMap() {
  return UniqueFd(bpf_map_create(BPF_MAP_TYPE_ARRAY, "plain", 4, 8, 4, nullptr));
}

UniqueFd IteratorProgram() {
  auto options = EmptyOptions<bpf_prog_load_opts>();
  options.expected_attach_type = BPF_TRACE_ITER;
  const int target = libbpf_find_vmlinux_btf_id("task", BPF_TRACE_ITER);
  options.attach_btf_id = static_cast<uint32_t>(target);
  return Load(BPF_PROG_TYPE_TRACING, &options);
}

UniqueFd IteratorLink(int program) {
  return UniqueFd(bpf_link_create(program, 0, BPF_TRACE_ITER, nullptr));
}

// Relies on the id being the second number in each info struct, except for btf_info.
uint32_t IdOf(ObjectKind kind, int fd) {
  bpf_btf_info btf{};
  std::array<uint32_t, 64> info{};
  uint32_t size = kind == ObjectKind::kBtf ? sizeof(btf) : sizeof(info);
  void* target = kind == ObjectKind::kBtf ? static_cast<void*>(&btf) : info.data();
  if (bpf_obj_get_info_by_fd(fd, target, &size) != 0) return 0;
  return kind == ObjectKind::kBtf ? btf.id : info[1];
}

bool IsGoneSoon(ObjectKind kind, uint32_t id, std::chrono::seconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (std::chrono::steady_clock::now() < deadline) {
    if (!OpenById(kind, id) && errno == ENOENT) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // the kernel frees asynchronously
  }
  return false;
}

void FreedWatch::Watch(int program) const { bpf_prog_bind_map(program, map_.get(), nullptr); }

bool FreedWatch::WaitUntilFreed() {
  map_.Reset();
  return IsGoneSoon(ObjectKind::kMap, id_, std::chrono::seconds(60));
}

}  // namespace bpftally
