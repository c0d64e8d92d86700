// Maps and programs of every kind that can be recognised without the kernel.
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

struct padded_key {
  __u8 kind;
  __u64 id;
  struct {
    __u16 port;
    __u8 flags[3];
  } inner;
};
typedef const struct padded_key renamed_key;

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 100);
  __type(key, renamed_key);
  __type(value, __u64);
} a_name_longer_than_the_kernel_keeps SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
  __uint(max_entries, 3);
  __type(key, __u32);
  __type(value, __u64);
} plain SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_LRU_HASH);
  __uint(max_entries, 4);
  __uint(key_size, 16);
  __uint(value_size, 8);
} sizes_only SEC(".maps");

struct bits_key {
  __u32 low : 4;
  __u32 high : 28;
};

struct {
  __uint(type, BPF_MAP_TYPE_HASH);
  __uint(max_entries, 5);
  __type(key, struct bits_key);
  __type(value, __u64);
} bits SEC(".maps");

struct {
  __uint(type, BPF_MAP_TYPE_RINGBUF);
  __uint(max_entries, 4096);
} ring SEC(".maps");

__u64 a_global = 1;

SEC("tp/oom/mark_victim")
int first(void* ctx) {
  (void)ctx;
  return (int)a_global++;
}

SEC("perf_event/type=1,config=0,frequency=9")
int second(void* ctx) {
  (void)ctx;
  return 0;
}

char LICENSE[] SEC("license") = "GPL";
