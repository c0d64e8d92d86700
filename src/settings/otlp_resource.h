#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "export/otlp/otlp_options.h"

namespace bpftally {

// Looks a variable up, as getenv(3) does: null if it is not set.
using Environment = std::function<const char*(const char* name)>;

// Returns the variable's value; empty if it is not set: the specification makes no difference.
std::string_view Variable(const Environment& environment, const char* name);

// Reads "key=value,key=value" with percent-encoded values, and calls `take` with each pair,
// decoded. Returns false, and stops, at the first part that is no such pair or that `take` refuses.
bool ReadPairs(std::string_view text,
               const std::function<bool(std::string key, std::string value)>& take);

// Names of bpftally and of this machine.
struct HostFacts {
  std::string version;         // of bpftally
  std::string machine_id;      // /etc/machine-id; empty: unknown
  std::string name;            // uname -n
  std::string machine;         // uname -m
  std::string kernel_release;  // uname -r
  std::string os_description;  // PRETTY_NAME of os-release
};

HostFacts ReadHostFacts();

// Returns the attributes of the resource: from the host, then from Kubernetes's downward API, then
// from OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME, which override them. Ids derive from the
// machine id but do not reveal it, as machine-id(5) demands.
OtlpAttributes MakeOtlpResource(const HostFacts& host, const Environment& environment,
                                std::vector<std::string>& warnings);

}  // namespace bpftally
