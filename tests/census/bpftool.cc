#include "census/bpftool.h"

#include <array>
#include <cstdio>

namespace bpftally {

YAML::Node AskBpftool(const std::string& arguments) {
  const std::string command = "PATH=$PATH:/usr/sbin:/sbin bpftool -j " + arguments + " 2>/dev/null";
  FILE* output = ::popen(command.c_str(), "re");
  if (output == nullptr) return {};
  std::string text;
  std::array<char, 65536> part{};
  while (const size_t length = std::fread(part.data(), 1, part.size(), output)) {
    text.append(part.data(), length);
  }
  if (::pclose(output) != 0) return {};
  return YAML::Load(text);
}

}  // namespace bpftally
