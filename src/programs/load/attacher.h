#pragma once

#include <bpf/libbpf.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/unique_fd.h"

namespace bpftally {

struct DestroyBpfLink {
  void operator()(bpf_link* link) const { bpf_link__destroy(link); }
};
using BpfLinkPtr = std::unique_ptr<bpf_link, DestroyBpfLink>;

// Links that keep one program attached, and the error of what failed: a perf event may be missing
// on one CPU of many.
struct Attachment {
  std::vector<BpfLinkPtr> links;
  std::optional<Error> error = std::nullopt;
};

class Attacher {
 public:
  // Takes the root below which programs for cgroups attach; empty: where cgroup v2 is mounted.
  explicit Attacher(std::string cgroup_root) : cgroup_root_(std::move(cgroup_root)) {}

  Attachment Attach(const bpf_program* program) const;
  Attachment Attach(const bpf_map* struct_ops) const;

 private:
  Attachment AttachToCgroup(const bpf_program* program) const;

  std::string cgroup_root_;
};

}  // namespace bpftally
