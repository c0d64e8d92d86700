#pragma once

#include <bpf/libbpf.h>

#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "host/kernel_addresses.h"

namespace bpftally {

struct CloseBpfObject {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};
using BpfObjectPtr = std::unique_ptr<bpf_object, CloseBpfObject>;

struct ObjectLoad {
  std::string path;
  std::string btf_path;       // empty: that of the running kernel
  KernelAddresses addresses;  // addresses for the constants kaddr_<symbol>
};

struct VerifiedObject {
  BpfObjectPtr object;                   // loaded
  std::map<std::string, Error> refused;  // programs that were left out, by name, and why
};

// Opens an object and brings its maps and programs into the kernel. Programs that the verifier
// refuses are left out.
Result<VerifiedObject> LoadObject(const ObjectLoad& load);

}  // namespace bpftally
