#include "export/otlp/otlp_encoder_told.h"

#include <algorithm>
#include <chrono>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "export/otlp/otlp_names.h"

namespace bpftally {
namespace {

struct SeriesHash {
  size_t labels = 0;
  size_t operator()(LabelValues values) const {
    constexpr size_t kMultiplier = 0x9E3779B97F4A7C15;
    size_t hash = 0;
    for (size_t i = 0; i < labels; ++i)
      hash = (hash ^ std::hash<std::string_view>()(values[i])) * kMultiplier;
    return hash;
  }
};

struct SeriesEqual {
  size_t labels = 0;
  bool operator()(LabelValues a, LabelValues b) const {
    return a == b || std::equal(a, a + labels, b);
  }
};

// Finds one family's series again.
class Matcher {
 public:
  Matcher(const MetricFamily& now, const MetricFamily& told)
      : now_(now),
        told_(told),
        equal_{now.spec.label_names.size()},
        found_(SeriesCount(told), false) {
    match_.told.assign(SeriesCount(now), OtlpSeriesMatch::kNone);
  }

  OtlpSeriesMatch Match(size_t told_live) {
    MatchInOrder();
    if (matched_ < std::min(match_.told.size(), found_.size())) MatchRest();
    for (uint32_t i = 0; i < told_live; ++i) {
      if (!found_[i]) match_.vanished.push_back(i);
    }
    return std::move(match_);
  }

 private:
  bool Equal(size_t now, size_t told) const {
    return equal_(SeriesLabels(now_, now), SeriesLabels(told_, told));
  }

  void Found(size_t now, uint32_t told) {
    match_.told[now] = told;
    found_[told] = true;
    ++matched_;
  }

  // Collectors keep an order, so that mostly what follows in one follows in the other too, with a
  // few new or vanished ones between.
  void MatchInOrder() {
    constexpr size_t kLookAhead = 8;
    size_t next = 0;
    for (size_t now = 0; now < match_.told.size(); ++now) {
      const size_t end = std::min(next + kLookAhead, found_.size());
      for (size_t told = next; told < end; ++told) {
        if (!Equal(now, told)) continue;
        Found(now, static_cast<uint32_t>(told));
        next = told + 1;
        break;
      }
    }
  }

  void MatchRest() {
    std::unordered_map<LabelValues, uint32_t, SeriesHash, SeriesEqual> rest(
        found_.size() - matched_, SeriesHash{equal_.labels}, equal_);
    for (uint32_t told = 0; told < found_.size(); ++told) {
      if (!found_[told]) rest.emplace(SeriesLabels(told_, told), told);
    }
    for (size_t now = 0; now < match_.told.size(); ++now) {
      if (match_.told[now] != OtlpSeriesMatch::kNone) continue;
      const auto same = rest.find(SeriesLabels(now_, now));
      if (same == rest.end()) continue;
      Found(now, same->second);
      rest.erase(same);
    }
  }

  const MetricFamily& now_;
  const MetricFamily& told_;
  SeriesEqual equal_;
  OtlpSeriesMatch match_;
  std::vector<bool> found_;  // of told
  size_t matched_ = 0;
};

bool SameSeries(const MetricFamily& a, const MetricFamily& b) {
  const size_t count = SeriesCount(a);
  if (count != SeriesCount(b) || a.spec.label_names.size() != b.spec.label_names.size())
    return false;
  for (size_t i = 0; i < count; ++i) {
    if (SeriesLabels(a, i) != SeriesLabels(b, i)) return false;
  }
  return true;
}

// Families of the same objects share their label values: what was found for one is good for the
// next.
bool SameMatch(const OtlpFamilyPlan& a, const OtlpFamilyPlan& b) {
  return a.now != nullptr && a.told != nullptr && a.told_live == b.told_live &&
         SameSeries(*a.now, *b.now) && SameSeries(*a.told, *b.told);
}

std::shared_ptr<const OtlpSeriesMatch> MatchOf(const OtlpFamilyPlan& plan,
                                               const std::vector<OtlpFamilyPlan>& before) {
  OtlpSeriesMatch match;
  if (plan.now == nullptr) {
    for (uint32_t i = 0; i < plan.told_live; ++i) match.vanished.push_back(i);
  } else if (plan.told == nullptr) {
    match.told.assign(SeriesCount(*plan.now), OtlpSeriesMatch::kNone);
  } else {
    if (!before.empty() && SameMatch(before.back(), plan)) return before.back().match;
    match = Matcher(*plan.now, *plan.told).Match(plan.told_live);
  }
  return std::make_shared<const OtlpSeriesMatch>(std::move(match));
}

struct ToldFamily {
  const MetricFamily* family = nullptr;
  size_t live = 0;
};

using ToldFamilies = std::unordered_map<std::string_view, ToldFamily>;

ToldFamilies FamiliesOf(const OtlpTold& told) {
  ToldFamilies families;
  if (told.batch == nullptr) return families;
  size_t index = 0;
  for (const MetricFamily& family : told.batch->families()) {
    const size_t live = told.composed ? told.live[index] : SeriesCount(family);
    families.emplace(family.spec.name, ToldFamily{&family, live});
    ++index;
  }
  return families;
}

// The told family that goes on as this one, which is then taken out.
ToldFamily Take(ToldFamilies& families, const FamilySpec& spec) {
  const auto found = families.find(spec.name);
  if (found == families.end()) return {};
  const FamilySpec& told = found->second.family->spec;
  if (told.type != spec.type || told.label_names != spec.label_names) return {};
  return families.extract(found).mapped();
}

bool TellsDeltas(const FamilySpec& spec, OtlpTemporality temporality) {
  return temporality == OtlpTemporality::kDelta &&
         (spec.type == MetricType::kHistogram || NameForOtlp(spec).monotonic);
}

// Puts together the told series of one family after the other.
class Composer {
 public:
  Composer(const OtlpTold& told, const MetricBatch& now,
           const std::function<bool(size_t)>& acknowledged)
      : told_(told), now_(now), acknowledged_(acknowledged) {
    composed_.collected_at_ns = now.collected_at_ns;
  }

  void Add(const OtlpFamilyPlan& plan) {
    family_ = &composed_.Add(plan.spec(), {});
    labels_ = family_->spec.label_names.size();
    AddLiving(plan);
    live_.push_back(SeriesCount(*family_));
    if (plan.delta) AddVanished(plan);
  }

  OtlpTold Finish() {
    return {.batch = std::make_shared<const MetricBatch>(std::move(composed_)),
            .live = std::move(live_),
            .composed = true};
  }

 private:
  size_t VanishedCount(const OtlpFamilyPlan& plan) const { return plan.match->vanished.size(); }

  void AddLiving(const OtlpFamilyPlan& plan) {
    const OtlpSeriesMatch& match = *plan.match;
    const size_t vanished = match.vanished.size();
    for (size_t i = 0; i < match.told.size(); ++i) {
      if (acknowledged_(plan.first_point + vanished + i)) {
        AddSeries(*plan.now, i, now_.collected_at_ns);
      } else if (match.told[i] < plan.told_live) {
        AddToldSeries(*plan.told, match.told[i]);
      }
    }
    for (size_t i = 0; i < vanished; ++i) {
      if (!acknowledged_(plan.first_point + i)) AddToldSeries(*plan.told, match.vanished[i]);
    }
  }

  // The latest first: what is too much is of the oldest.
  void AddVanished(const OtlpFamilyPlan& plan) {
    const OtlpSeriesMatch& match = *plan.match;
    for (size_t i = 0; i < match.vanished.size(); ++i) {
      if (acknowledged_(plan.first_point + i)) AddKept(*plan.told, match.vanished[i]);
    }
    if (plan.told == nullptr) return;
    std::vector<bool> back(SeriesCount(*plan.told), false);
    for (size_t i = 0; i < match.told.size(); ++i) {
      const bool told_again = acknowledged_(plan.first_point + match.vanished.size() + i);
      if (match.told[i] != OtlpSeriesMatch::kNone && told_again) back[match.told[i]] = true;
    }
    for (size_t i = plan.told_live; i < back.size(); ++i) {
      if (!back[i]) AddKept(*plan.told, i);
    }
  }

  void AddKept(const MetricFamily& told, size_t series) {
    constexpr size_t kMostKept = 10'000;
    constexpr std::chrono::nanoseconds kKept = std::chrono::hours(1);
    if (SeriesCount(*family_) - live_.back() >= kMostKept) return;
    if (ToldAt(told, series) < now_.collected_at_ns - kKept.count()) return;
    AddToldSeries(told, series);
  }

  int64_t ToldAt(const MetricFamily& told, size_t series) const {
    return told_.ToldAt(told.spec.type == MetricType::kHistogram
                            ? told.histograms[series].start_time_ns
                            : told.samples[series].start_time_ns);
  }

  void AddToldSeries(const MetricFamily& told, size_t series) {
    AddSeries(told, series, ToldAt(told, series));
  }

  void AddSeries(const MetricFamily& from, size_t series, int64_t told_at_ns) {
    if (from.spec.type != MetricType::kHistogram) {
      const Sample& sample = from.samples[series];
      family_->samples.push_back({Copy(sample.labels), sample.value, told_at_ns});
      return;
    }
    HistogramSample sample = from.histograms[series];
    sample.labels = Copy(sample.labels);
    sample.upper_bounds = composed_.Bounds(sample.upper_bounds);
    sample.counts = composed_.Counts(sample.counts);
    sample.start_time_ns = told_at_ns;
    family_->histograms.push_back(sample);
  }

  // Families that shared their label values share the copies.
  LabelValues Copy(LabelValues labels) {
    LabelValues& copy = copies_[{labels, labels_}];
    if (copy == nullptr) {
      std::vector<std::string_view> values(labels, labels + labels_);
      for (std::string_view& value : values) value = composed_.Intern(value);
      copy = composed_.Labels(values);
    }
    return copy;
  }

  struct CopyHash {
    size_t operator()(const std::pair<LabelValues, size_t>& labels) const {
      return std::hash<LabelValues>()(labels.first) + labels.second;
    }
  };

  const OtlpTold& told_;
  const MetricBatch& now_;
  const std::function<bool(size_t)>& acknowledged_;
  MetricBatch composed_;
  std::vector<size_t> live_;
  MetricFamily* family_ = nullptr;  // the one being put together
  size_t labels_ = 0;               // of its series
  std::unordered_map<std::pair<LabelValues, size_t>, LabelValues, CopyHash> copies_;
};

}  // namespace

size_t SeriesCount(const MetricFamily& family) {
  return family.spec.type == MetricType::kHistogram ? family.histograms.size()
                                                    : family.samples.size();
}

LabelValues SeriesLabels(const MetricFamily& family, size_t series) {
  return family.spec.type == MetricType::kHistogram ? family.histograms[series].labels
                                                    : family.samples[series].labels;
}

std::vector<OtlpFamilyPlan> PlanFamilies(const OtlpTold& told, const MetricBatch& now,
                                         OtlpTemporality temporality) {
  std::vector<OtlpFamilyPlan> plan;
  const auto add = [&](const MetricFamily* now_family, const ToldFamily& before) {
    OtlpFamilyPlan family{.now = now_family, .told = before.family, .told_live = before.live};
    family.match = MatchOf(family, plan);
    family.delta = TellsDeltas(family.spec(), temporality);
    family.first_point = plan.empty() ? 0 : plan.back().end_point();
    plan.push_back(std::move(family));
  };
  ToldFamilies families = FamiliesOf(told);
  for (const MetricFamily& family : now.families()) add(&family, Take(families, family.spec));
  for (const auto& [name, family] : families) {
    if (SeriesCount(*family.family) > 0) add(nullptr, family);
  }
  return plan;
}

OtlpTold Compose(const OtlpTold& told, const MetricBatch& now, std::span<const OtlpFamilyPlan> plan,
                 const std::function<bool(size_t point)>& acknowledged) {
  Composer composer(told, now, acknowledged);
  for (const OtlpFamilyPlan& family : plan) composer.Add(family);
  return composer.Finish();
}

}  // namespace bpftally
