// Where the compiler has no fuzzer: runs the kept inputs, so that each build tests them.

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

namespace {

size_t RunFile(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes{std::istreambuf_iterator<char>(file), {}};
  std::fprintf(stderr, "Running: %s\n", path.c_str());
  LLVMFuzzerTestOneInput(reinterpret_cast<const uint8_t*>(bytes.data()), bytes.size());
  return 1;
}

size_t RunAll(const std::filesystem::path& path) {
  if (!std::filesystem::is_directory(path)) return RunFile(path);
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(path)) count += RunFile(entry);
  return count;
}

}  // namespace

// As libFuzzer takes its arguments: files and folders; its options say nothing here.
int main(int count, char** arguments) {
  size_t inputs = 0;
  for (int i = 1; i < count; ++i) {
    if (arguments[i][0] != '-') inputs += RunAll(arguments[i]);
  }
  std::fprintf(stderr, "%zu inputs\n", inputs);
  return inputs == 0 ? 1 : 0;
}
