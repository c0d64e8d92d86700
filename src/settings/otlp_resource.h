#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "export/otlp/otlp_options.h"

namespace bpftally {

// getenv, or a test's: null where the variable is not set.
using Environment = std::function<const char*(const char* name)>;

// The variable's value; empty where it is not set: the specification makes no difference.
std::string_view Variable(const Environment& environment, const char* name);

// "key=value,key=value", values percent-encoded. Calls `take` with each pair, decoded; false where
// something is neither (and nothing more is taken).
bool ReadPairs(std::string_view text,
               const std::function<bool(std::string key, std::string value)>& take);

// What bpftally and this machine are called.
struct HostFacts {
  std::string version;         // of bpftally
  std::string machine_id;      // /etc/machine-id; empty where there is none
  std::string name;            // uname -n
  std::string machine;         // uname -m
  std::string kernel_release;  // uname -r
  std::string os_description;  // PRETTY_NAME of os-release
};

HostFacts ReadHostFacts();

// The resource's attributes: of the host, of Kubernetes's downward API, then what
// OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME say over them. Ids are made of the machine id but
// do not show it, as machine-id(5) demands.
OtlpAttributes MakeOtlpResource(const HostFacts& host, const Environment& environment,
                                std::vector<std::string>& warnings);

}  // namespace bpftally
