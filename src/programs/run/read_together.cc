#include "programs/run/read_together.h"

#include <algorithm>
#include <utility>

#include "kernel/map_handle.h"

namespace bpftally {

std::vector<Result<Evaluated>> ReadTogether(MapReader& reader, const MapHandle& map,
                                            std::chrono::steady_clock::time_point deadline,
                                            std::span<MetricEvaluator* const> evaluators) {
  std::vector<Result<void>> added(evaluators.size());
  const auto add = [&](const MapContent& piece) -> Result<void> {
    for (size_t i = 0; i < evaluators.size(); ++i)
      if (added[i]) added[i] = evaluators[i]->Add(piece);
    const bool any = std::ranges::any_of(added, [](const auto& each) { return each.has_value(); });
    return any ? Result<void>() : added.front();
  };
  const Result<void> read = reader.Read(map, deadline, add);
  std::vector<Result<Evaluated>> evaluated;
  for (size_t i = 0; i < evaluators.size(); ++i) {
    const Result<void>& whole = added[i] ? read : added[i];
    if (whole)
      evaluated.emplace_back(evaluators[i]->Finish());
    else
      evaluated.emplace_back(std::unexpected(whole.error()));
  }
  return evaluated;
}

}  // namespace bpftally
