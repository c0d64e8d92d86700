#include "collect/census_view.h"

namespace bpftally {
namespace {

Candidate CandidateOf(const ProgramInfo& info) {
  return {info.id, info.memory_bytes.value_or(0), info.run_time_ns.value_or(0)};
}
Candidate CandidateOf(const MapInfo& info) { return {info.id, info.memory_bytes.value_or(0), 0}; }
Candidate CandidateOf(const LinkInfo& info) { return {info.id, 0, 0}; }
Candidate CandidateOf(const BtfInfo& info) { return {info.id, info.size_bytes, 0}; }

// BTF objects have no owner.
template <typename Info>
bool IsSelf(const Info& info) {
  if constexpr (requires { info.self; }) return info.self;
  return false;
}

template <typename Info>
ChosenObjects<Info> ChooseObjects(const std::vector<Info>& objects, bool hide_self,
                                  Chooser& chooser) {
  std::vector<const Info*> visible;
  std::vector<Candidate> candidates;
  visible.reserve(objects.size());
  candidates.reserve(objects.size());
  for (const Info& info : objects) {
    if (hide_self && IsSelf(info)) continue;
    visible.push_back(&info);
    candidates.push_back(CandidateOf(info));
  }
  const std::vector<bool> flags = chooser.Choose(candidates);
  ChosenObjects<Info> chosen;
  chosen.kept.reserve(visible.size());
  for (size_t i = 0; i < visible.size(); ++i)
    (flags[i] ? chosen.kept : chosen.dropped).push_back(visible[i]);
  return chosen;
}

}  // namespace

CensusViewBuilder::CensusViewBuilder(const CollectOptions& options)
    : hide_self_(options.hide_self),
      programs_(options.max_objects),
      maps_(options.max_objects),
      links_(options.max_objects),
      btf_(options.max_objects) {}

CensusView CensusViewBuilder::Build(const Snapshot& snapshot,
                                    std::chrono::steady_clock::time_point deadline) {
  return {.snapshot = snapshot,
          .deadline = deadline,
          .programs = ChooseObjects(snapshot.programs, hide_self_, programs_),
          .maps = ChooseObjects(snapshot.maps, hide_self_, maps_),
          .links = ChooseObjects(snapshot.links, hide_self_, links_),
          .btf = ChooseObjects(snapshot.btf, hide_self_, btf_)};
}

}  // namespace bpftally
