#include "export/otlp/otlp_encoder_acknowledged.h"

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

// Finds the series of one family in its earlier version.
class Matcher {
 public:
  Matcher(const MetricFamily& now, const MetricFamily& before)
      : now_(now),
        before_(before),
        equal_{now.spec.label_names.size()},
        found_(SeriesCount(before), false) {
    match_.acknowledged.assign(SeriesCount(now), OtlpSeriesMatch::kNone);
  }

  OtlpSeriesMatch Match(size_t live) {
    MatchInOrder();
    if (matched_ < std::min(match_.acknowledged.size(), found_.size())) MatchRest();
    for (uint32_t i = 0; i < live; ++i) {
      if (!found_[i]) match_.vanished.push_back(i);
    }
    return std::move(match_);
  }

 private:
  bool Equal(size_t now, size_t before) const {
    return equal_(SeriesLabels(now_, now), SeriesLabels(before_, before));
  }

  void Found(size_t now, uint32_t before) {
    match_.acknowledged[now] = before;
    found_[before] = true;
    ++matched_;
  }

  // Matches series in order: collectors keep their order, with few new or vanished series between.
  void MatchInOrder() {
    constexpr size_t kLookAhead = 8;
    size_t next = 0;
    for (size_t now = 0; now < match_.acknowledged.size(); ++now) {
      const size_t end = std::min(next + kLookAhead, found_.size());
      for (size_t before = next; before < end; ++before) {
        if (!Equal(now, before)) continue;
        Found(now, static_cast<uint32_t>(before));
        next = before + 1;
        break;
      }
    }
  }

  void MatchRest() {
    std::unordered_map<LabelValues, uint32_t, SeriesHash, SeriesEqual> rest(
        found_.size() - matched_, SeriesHash{equal_.labels}, equal_);
    for (uint32_t before = 0; before < found_.size(); ++before) {
      if (!found_[before]) rest.emplace(SeriesLabels(before_, before), before);
    }
    for (size_t now = 0; now < match_.acknowledged.size(); ++now) {
      if (match_.acknowledged[now] != OtlpSeriesMatch::kNone) continue;
      const auto same = rest.find(SeriesLabels(now_, now));
      if (same == rest.end()) continue;
      Found(now, same->second);
      rest.erase(same);
    }
  }

  const MetricFamily& now_;
  const MetricFamily& before_;
  SeriesEqual equal_;
  OtlpSeriesMatch match_;
  std::vector<bool> found_;  // indexed as before_
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

// Families about the same objects share their label values: the match of one holds for the next.
bool SameMatch(const OtlpFamilyPlan& a, const OtlpFamilyPlan& b) {
  return a.now != nullptr && a.acknowledged != nullptr &&
         a.acknowledged_live == b.acknowledged_live && SameSeries(*a.now, *b.now) &&
         SameSeries(*a.acknowledged, *b.acknowledged);
}

std::shared_ptr<const OtlpSeriesMatch> MatchOf(const OtlpFamilyPlan& plan,
                                               const std::vector<OtlpFamilyPlan>& before) {
  OtlpSeriesMatch match;
  if (plan.now == nullptr) {
    for (uint32_t i = 0; i < plan.acknowledged_live; ++i) match.vanished.push_back(i);
  } else if (plan.acknowledged == nullptr) {
    match.acknowledged.assign(SeriesCount(*plan.now), OtlpSeriesMatch::kNone);
  } else {
    if (!before.empty() && SameMatch(before.back(), plan)) return before.back().match;
    match = Matcher(*plan.now, *plan.acknowledged).Match(plan.acknowledged_live);
  }
  return std::make_shared<const OtlpSeriesMatch>(std::move(match));
}

struct AcknowledgedFamily {
  const MetricFamily* family = nullptr;
  size_t live = 0;
};

using AcknowledgedFamilies = std::unordered_map<std::string_view, AcknowledgedFamily>;

AcknowledgedFamilies FamiliesOf(const OtlpAcknowledged& acknowledged) {
  AcknowledgedFamilies families;
  if (acknowledged.batch == nullptr) return families;
  size_t index = 0;
  for (const MetricFamily& family : acknowledged.batch->families()) {
    const size_t live = acknowledged.composed ? acknowledged.live[index] : SeriesCount(family);
    families.emplace(family.spec.name, AcknowledgedFamily{&family, live});
    ++index;
  }
  return families;
}

// Takes out the acknowledged family that this one continues.
AcknowledgedFamily Take(AcknowledgedFamilies& families, const FamilySpec& spec) {
  const auto found = families.find(spec.name);
  if (found == families.end()) return {};
  const FamilySpec& before = found->second.family->spec;
  if (before.type != spec.type || before.label_names != spec.label_names) return {};
  return families.extract(found).mapped();
}

bool ReportsDeltas(const FamilySpec& spec, OtlpTemporality temporality) {
  return temporality == OtlpTemporality::kDelta &&
         (spec.type == MetricType::kHistogram || NameForOtlp(spec).monotonic);
}

// Composes the acknowledged series, one family after another.
class Composer {
 public:
  Composer(const OtlpAcknowledged& acknowledged, const MetricBatch& now,
           const std::function<bool(size_t)>& is_acknowledged)
      : acknowledged_(acknowledged), now_(now), is_acknowledged_(is_acknowledged) {
    composed_.collected_at_ns = now.collected_at_ns;
  }

  void Add(const OtlpFamilyPlan& plan) {
    family_ = &composed_.Add(plan.spec(), {});
    labels_ = family_->spec.label_names.size();
    AddLiving(plan);
    live_.push_back(SeriesCount(*family_));
    if (plan.delta) AddVanished(plan);
  }

  OtlpAcknowledged Finish() {
    return {.batch = std::make_shared<const MetricBatch>(std::move(composed_)),
            .live = std::move(live_),
            .composed = true};
  }

 private:
  size_t VanishedCount(const OtlpFamilyPlan& plan) const { return plan.match->vanished.size(); }

  void AddLiving(const OtlpFamilyPlan& plan) {
    const OtlpSeriesMatch& match = *plan.match;
    const size_t vanished = match.vanished.size();
    for (size_t i = 0; i < match.acknowledged.size(); ++i) {
      if (is_acknowledged_(plan.first_point + vanished + i)) {
        AddSeries(*plan.now, i, now_.collected_at_ns);
      } else if (match.acknowledged[i] < plan.acknowledged_live) {
        AddAcknowledgedSeries(*plan.acknowledged, match.acknowledged[i]);
      }
    }
    for (size_t i = 0; i < vanished; ++i) {
      if (!is_acknowledged_(plan.first_point + i))
        AddAcknowledgedSeries(*plan.acknowledged, match.vanished[i]);
    }
  }

  // Adds the latest first, so that the limit cuts off the oldest.
  void AddVanished(const OtlpFamilyPlan& plan) {
    const OtlpSeriesMatch& match = *plan.match;
    for (size_t i = 0; i < match.vanished.size(); ++i) {
      if (is_acknowledged_(plan.first_point + i)) AddKept(*plan.acknowledged, match.vanished[i]);
    }
    if (plan.acknowledged == nullptr) return;
    std::vector<bool> back(SeriesCount(*plan.acknowledged), false);
    for (size_t i = 0; i < match.acknowledged.size(); ++i) {
      const bool reported_again = is_acknowledged_(plan.first_point + match.vanished.size() + i);
      if (match.acknowledged[i] != OtlpSeriesMatch::kNone && reported_again)
        back[match.acknowledged[i]] = true;
    }
    for (size_t i = plan.acknowledged_live; i < back.size(); ++i) {
      if (!back[i]) AddKept(*plan.acknowledged, i);
    }
  }

  void AddKept(const MetricFamily& family, size_t series) {
    constexpr size_t kMostKept = 10'000;
    constexpr std::chrono::nanoseconds kKept = std::chrono::hours(1);
    if (SeriesCount(*family_) - live_.back() >= kMostKept) return;
    if (AcknowledgedAt(family, series) < now_.collected_at_ns - kKept.count()) return;
    AddAcknowledgedSeries(family, series);
  }

  int64_t AcknowledgedAt(const MetricFamily& family, size_t series) const {
    return acknowledged_.AcknowledgedAt(family.spec.type == MetricType::kHistogram
                                            ? family.histograms[series].start_time_ns
                                            : family.samples[series].start_time_ns);
  }

  void AddAcknowledgedSeries(const MetricFamily& family, size_t series) {
    AddSeries(family, series, AcknowledgedAt(family, series));
  }

  void AddSeries(const MetricFamily& from, size_t series, int64_t acknowledged_at_ns) {
    if (from.spec.type != MetricType::kHistogram) {
      const Sample& sample = from.samples[series];
      family_->samples.push_back({Copy(sample.labels), sample.value, acknowledged_at_ns});
      return;
    }
    HistogramSample sample = from.histograms[series];
    sample.labels = Copy(sample.labels);
    sample.upper_bounds = composed_.Bounds(sample.upper_bounds);
    sample.counts = composed_.Counts(sample.counts);
    sample.start_time_ns = acknowledged_at_ns;
    family_->histograms.push_back(sample);
  }

  // Copies labels; families that shared label values share the copy.
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

  const OtlpAcknowledged& acknowledged_;
  const MetricBatch& now_;
  const std::function<bool(size_t)>& is_acknowledged_;
  MetricBatch composed_;
  std::vector<size_t> live_;
  MetricFamily* family_ = nullptr;  // the family being composed
  size_t labels_ = 0;               // labels of each of its series
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

std::vector<OtlpFamilyPlan> PlanFamilies(const OtlpAcknowledged& acknowledged,
                                         const MetricBatch& now, OtlpTemporality temporality) {
  std::vector<OtlpFamilyPlan> plan;
  const auto add = [&](const MetricFamily* now_family, const AcknowledgedFamily& before) {
    OtlpFamilyPlan family{
        .now = now_family, .acknowledged = before.family, .acknowledged_live = before.live};
    family.match = MatchOf(family, plan);
    family.delta = ReportsDeltas(family.spec(), temporality);
    family.first_point = plan.empty() ? 0 : plan.back().end_point();
    plan.push_back(std::move(family));
  };
  AcknowledgedFamilies families = FamiliesOf(acknowledged);
  for (const MetricFamily& family : now.families()) add(&family, Take(families, family.spec));
  for (const auto& [name, family] : families) {
    if (SeriesCount(*family.family) > 0) add(nullptr, family);
  }
  return plan;
}

OtlpAcknowledged Compose(const OtlpAcknowledged& acknowledged, const MetricBatch& now,
                         std::span<const OtlpFamilyPlan> plan,
                         const std::function<bool(size_t point)>& is_acknowledged) {
  Composer composer(acknowledged, now, is_acknowledged);
  for (const OtlpFamilyPlan& family : plan) composer.Add(family);
  return composer.Finish();
}

}  // namespace bpftally
