#include "collect/collector.h"
#include "collect/factories.h"

namespace bpftally {

std::vector<std::unique_ptr<Collector>> MakeCollectors(const CollectOptions& options) {
  const auto dropped = std::make_shared<DroppedSeries>();
  std::vector<std::unique_ptr<Collector>> collectors;
  collectors.push_back(MakeProgramsCollector(options, dropped));
  collectors.push_back(MakeMapsCollector(options, dropped));
  collectors.push_back(MakeLinksCollector(options, dropped));
  collectors.push_back(MakeBtfCollector(dropped));
  collectors.push_back(MakeAggregatesCollector(options));
  collectors.push_back(MakeSelfCollector(options, dropped));  // last: it reports what they dropped
  return collectors;
}

}  // namespace bpftally
