#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

namespace bpftally {

struct Candidate {
  uint32_t id = 0;
  uint64_t memory = 0;
  uint64_t run_time = 0;
};

// Orders candidates: the highest ranks are chosen, among equal ones the lower ids.
using Rank = std::array<uint64_t, 3>;
// `stays`: the candidate was chosen last time.
using RankFunction = std::function<Rank(const Candidate& candidate, bool stays)>;

// The most memory first. Among equals the ones chosen last time stay, so that series do not come
// and go as run times grow past each other; then the longest run time.
Rank RankByMemory(const Candidate& candidate, bool stays);

// Chooses which objects of a kind get series of their own when there are more than the limit.
class Chooser {
 public:
  explicit Chooser(size_t limit, RankFunction rank = RankByMemory)
      : limit_(limit), rank_(std::move(rank)) {}

  // One flag for each candidate; they come by ascending id.
  std::vector<bool> Choose(std::span<const Candidate> candidates);

 private:
  size_t limit_;
  RankFunction rank_;
  std::vector<uint32_t> chosen_;  // last time, ascending
};

}  // namespace bpftally
