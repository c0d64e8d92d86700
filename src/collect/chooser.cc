#include "collect/chooser.h"

#include <algorithm>
#include <functional>
#include <tuple>

namespace bpftally {

Rank RankByMemory(const Candidate& candidate, bool stays) {
  return {candidate.memory, stays, candidate.run_time};
}

std::vector<bool> Chooser::Choose(std::span<const Candidate> candidates) {
  std::vector<bool> flags(candidates.size(), candidates.size() <= limit_);
  if (candidates.size() > limit_) {
    std::vector<std::tuple<Rank, uint32_t, size_t>> ranks;
    ranks.reserve(candidates.size());
    for (size_t i = 0; i < candidates.size(); ++i) {
      const bool stays = std::ranges::binary_search(chosen_, candidates[i].id);
      ranks.emplace_back(rank_(candidates[i], stays), ~candidates[i].id, i);
    }
    const auto limit = ranks.begin() + static_cast<ptrdiff_t>(limit_);
    std::ranges::nth_element(ranks, limit, std::greater<>());
    for (auto rank = ranks.begin(); rank != limit; ++rank) flags[std::get<2>(*rank)] = true;
  }
  chosen_.clear();
  for (size_t i = 0; i < candidates.size(); ++i) {
    if (flags[i]) chosen_.push_back(candidates[i].id);
  }
  return flags;
}

}  // namespace bpftally
