#pragma once

#include <functional>
#include <string>

namespace bpftally {

// Visits the directory `root` and all below it, parents first; true: with what is below, too. Each
// is visited before anybody looks into it. What vanishes meanwhile hides nothing else; symbolic
// links are not followed.
void VisitTree(const std::string& root, const std::function<bool(const std::string&)>& visit);

}  // namespace bpftally
