// Counts maps by an iterator, and prints more than any reader takes if the test wants that.
#include <linux/bpf.h>
#include <stdbool.h>

#include <bpf/bpf_helpers.h>

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} maps_seen SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} is_verbose SEC(".maps");

struct text {
	char text[1 << 20];
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct text);
} long_text SEC(".maps");

struct seq_file;

struct bpf_iter_meta {
	struct seq_file *seq;
} __attribute__((preserve_access_index));

struct bpf_iter__bpf_map {
	struct bpf_iter_meta *meta;
	void *map;
} __attribute__((preserve_access_index));

SEC("iter/bpf_map")
int counts_maps(struct bpf_iter__bpf_map *ctx)
{
	__u32 first = 0;
	__u64 *seen = bpf_map_lookup_elem(&maps_seen, &first);
	__u32 *verbose = bpf_map_lookup_elem(&is_verbose, &first);
	struct text *text = bpf_map_lookup_elem(&long_text, &first);

	if (!ctx->map || !seen || !verbose || !text)
		return 0;
	++*seen;
	if (*verbose)
		bpf_seq_write(ctx->meta->seq, text, sizeof(*text));
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
