#include "host/directory_tree.h"

#include <deque>
#include <filesystem>
#include <system_error>
#include <utility>

namespace bpftally {
namespace {

namespace fs = std::filesystem;

// Appends the directories in `path` that can be read.
void AddChildren(const std::string& path, std::deque<std::string>& children) {
  std::error_code error;
  for (fs::directory_iterator it(path, error), end; !error && it != end; it.increment(error)) {
    std::error_code gone;
    if (it->is_directory(gone) && !it->is_symlink(gone)) children.push_back(it->path().string());
  }
}

}  // namespace

// Avoids recursive_directory_iterator, which ends for good at the first directory that it cannot
// open.
void VisitTree(const std::string& root, const std::function<bool(const std::string&)>& visit) {
  std::deque<std::string> left = {root};
  while (!left.empty()) {
    const std::string path = std::move(left.front());
    left.pop_front();
    if (visit(path)) AddChildren(path, left);
  }
}

}  // namespace bpftally
