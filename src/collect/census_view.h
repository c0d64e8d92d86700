#pragma once

#include <chrono>
#include <vector>

#include "collect/chooser.h"
#include "collect/collect_options.h"
#include "model/snapshot.h"

namespace bpftally {

// The objects of one kind that --hide-self leaves, by ascending id.
template <typename Info>
struct ChosenObjects {
  std::vector<const Info*> kept;     // get series of their own
  std::vector<const Info*> dropped;  // beyond --max-objects
};

// One poll's snapshot with what several collectors need of it, computed once. Valid as long as the
// snapshot.
struct CensusView {
  const Snapshot& snapshot;
  std::chrono::steady_clock::time_point deadline;  // of collectors that read something themselves
  ChosenObjects<ProgramInfo> programs;
  ChosenObjects<MapInfo> maps;
  ChosenObjects<LinkInfo> links;
  ChosenObjects<BtfInfo> btf;
};

// Builds the view of each poll. Remembers the choice of objects, so that series do not come and go.
class CensusViewBuilder {
 public:
  explicit CensusViewBuilder(const CollectOptions& options);

  // `snapshot` must outlive the view.
  CensusView Build(const Snapshot& snapshot, std::chrono::steady_clock::time_point deadline =
                                                 std::chrono::steady_clock::time_point::max());

 private:
  bool hide_self_;
  Chooser programs_;
  Chooser maps_;
  Chooser links_;
  Chooser btf_;
};

}  // namespace bpftally
