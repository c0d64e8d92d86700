#pragma once

#include <yaml-cpp/yaml.h>

#include <string>

namespace bpftally {

// The answer of `bpftool -j <arguments>`, which is YAML too; null when there is no bpftool.
YAML::Node AskBpftool(const std::string& arguments);

}  // namespace bpftally
