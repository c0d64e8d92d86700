#pragma once

// A collector turns one poll's view of the census into metric families.
//
// How to add a collector:
// 1. Write collect/<name>_collector.cc: a class that extends Collector. It sees the view only,
// never
//    the kernel. What the snapshot does not know makes no sample: a zero is a count, not "unknown".
// 2. Declare its factory in factories.h and call it in collectors.cc, where the exposition shall
//    show it.
// 3. Give each family a help text of a sentence or two: users read them in the documents, which are
//    generated from them.
// 4. What several collectors need of a snapshot is computed once, in census_view.h.

#include <memory>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "collect/census_view.h"
#include "collect/collect_options.h"
#include "model/metric_batch.h"

namespace bpftally {

class Collector {
 public:
  virtual ~Collector() = default;

  // Static storage: the `collector` label, --collector.<name>, collect[].
  virtual std::string_view name() const = 0;

  // One line for --help and the landing page.
  virtual std::string_view help() const = 0;

  // Adds this collector's families. An error says why they are not whole; what was added before it
  // is still served. One that reads something itself ends by the view's deadline.
  virtual Result<void> Collect(const CensusView& view, MetricBatch& batch) = 0;
};

// Every collector of the census, in the order of the exposition. The one explicit list.
std::vector<std::unique_ptr<Collector>> MakeCollectors(const CollectOptions& options);

}  // namespace bpftally
