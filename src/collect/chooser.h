#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace bpftally {

struct Candidate {
  uint32_t id = 0;
  uint64_t memory = 0;
  uint64_t run_time = 0;
};

// Chooses which objects of a kind get series of their own when there are more than the limit: those
// of the most memory. Among equals the ones chosen last time stay, so that series do not come and
// go as run times grow past each other; then the longest run time, then the lower id.
class Chooser {
 public:
  explicit Chooser(size_t limit) : limit_(limit) {}

  // One flag for each candidate; they come by ascending id.
  std::vector<bool> Choose(std::span<const Candidate> candidates);

 private:
  size_t limit_;
  std::vector<uint32_t> chosen_;  // last time, ascending
};

}  // namespace bpftally
