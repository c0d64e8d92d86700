#include "collect/chooser.h"

#include <algorithm>
#include <functional>
#include <tuple>

namespace bpftally {

std::vector<bool> Chooser::Choose(std::span<const Candidate> candidates) {
  std::vector<bool> flags(candidates.size(), candidates.size() <= limit_);
  if (candidates.size() > limit_) {
    using Rank = std::tuple<uint64_t, bool, uint64_t, uint32_t, size_t>;
    std::vector<Rank> ranks;
    ranks.reserve(candidates.size());
    for (size_t i = 0; i < candidates.size(); ++i) {
      const Candidate& candidate = candidates[i];
      const bool stays = std::ranges::binary_search(chosen_, candidate.id);
      ranks.emplace_back(candidate.memory, stays, candidate.run_time, ~candidate.id, i);
    }
    const auto limit = ranks.begin() + static_cast<ptrdiff_t>(limit_);
    std::ranges::nth_element(ranks, limit, std::greater<>());
    for (auto rank = ranks.begin(); rank != limit; ++rank) flags[std::get<4>(*rank)] = true;
  }
  chosen_.clear();
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (flags[i]) chosen_.push_back(candidates[i].id);
  }
  return flags;
}

}  // namespace bpftally
