#pragma once

#include <functional>
#include <string>

namespace bpftally {

// Visits the directory `root` and all directories below it, parents first. A visit that returns
// false keeps the walk out of that directory. Directories that vanish meanwhile do not hide others;
// symbolic links are not followed.
void VisitTree(const std::string& root, const std::function<bool(const std::string&)>& visit);

}  // namespace bpftally
