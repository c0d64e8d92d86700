#include "programs/frontends/ebpf_exporter/v2_buckets.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <utility>

#include "base/suggest.h"
#include "model/map_types.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

constexpr uint64_t kMaxBuckets = 65'536;
constexpr double kTwoTo64 = 18446744073709551616.0;

constexpr std::string_view kExp2 = "exp2";
constexpr std::string_view kExp2Zero = "exp2zero";
constexpr std::string_view kLinear = "linear";
constexpr std::string_view kFixed = "fixed";
constexpr std::array kBucketTypes = {kExp2, kExp2Zero, kLinear, kFixed};

uint64_t SlotOf(int64_t bucket) { return bucket < 0 ? kNoSlot : static_cast<uint64_t>(bucket); }

uint64_t SlotOf(double bucket) {
  if (!(bucket >= 0 && bucket < kTwoTo64) || std::trunc(bucket) != bucket) return kNoSlot;
  return static_cast<uint64_t>(bucket);
}

double UnitBound(std::string_view bucket_type, int64_t bucket) {
  const auto power_of_two = [](int64_t exponent) {
    return std::exp2(static_cast<double>(exponent));
  };
  if (bucket_type == kLinear) return static_cast<double>(bucket);
  if (bucket_type == kExp2) return power_of_two(bucket);
  return bucket == 0 ? 0 : power_of_two(bucket - 1);
}

// Lays out buckets from bucket_min to bucket_max, both inclusive.
std::vector<BucketPlan> RangeOfBuckets(const HistogramConfig& config, Problems& problems) {
  std::vector<BucketPlan> buckets;
  if (config.bucket_min > config.bucket_max) {
    problems.push_back({config.at,
                        fmt::format("bucket_min {} is above bucket_max {}: there is no bucket",
                                    config.bucket_min, config.bucket_max),
                        false});
    return buckets;
  }
  const uint64_t distance =
      static_cast<uint64_t>(config.bucket_max) - static_cast<uint64_t>(config.bucket_min);
  if (distance >= kMaxBuckets) {
    problems.push_back({config.at, fmt::format("bucket_min {} to bucket_max {} is too far: "
                                               "expected at most {} buckets",
                                               config.bucket_min, config.bucket_max, kMaxBuckets)});
    return buckets;
  }
  for (uint64_t i = 0; i <= distance; ++i) {
    const int64_t bucket = config.bucket_min + static_cast<int64_t>(i);
    buckets.push_back({UnitBound(config.bucket_type, bucket), SlotOf(bucket)});
  }
  if (config.bucket_min < 0)
    problems.push_back({config.at, "buckets below 0 stay empty: no key is negative", false});
  return buckets;
}

std::vector<BucketPlan> FixedBuckets(const HistogramConfig& config, Problems& problems) {
  if (config.bucket_keys.empty())
    problems.push_back({config.at, "bucket_type fixed needs bucket_keys"});
  if (config.bucket_keys.size() > kMaxBuckets) {
    problems.push_back({config.at, fmt::format("{} bucket_keys, expected at most {}",
                                               config.bucket_keys.size(), kMaxBuckets)});
    return {};
  }
  std::vector<BucketPlan> buckets;
  for (const double key : config.bucket_keys) buckets.push_back({key, SlotOf(key)});
  const auto empty = std::ranges::find(buckets, kNoSlot, &BucketPlan::slot);
  if (empty != buckets.end()) {
    problems.push_back(
        {config.at,
         fmt::format("bucket key {} stays empty: it is no whole number from 0", empty->upper_bound),
         false});
  }
  return buckets;
}

std::vector<BucketPlan> Buckets(const HistogramConfig& config, Problems& problems) {
  if (config.bucket_type == kFixed) return FixedBuckets(config, problems);
  if (std::ranges::find(kBucketTypes, config.bucket_type) != kBucketTypes.end())
    return RangeOfBuckets(config, problems);
  problems.push_back(
      {config.at,
       fmt::format("unknown bucket_type {}, expected exp2, exp2zero, linear or fixed{}",
                   Quoted(config.bucket_type), DidYouMean(config.bucket_type, kBucketTypes))});
  return {};
}

// Sorts buckets; drops infinite and duplicate bounds, which the output cannot distinguish.
void Order(std::vector<BucketPlan>& buckets, ConfigPosition at, Problems& problems) {
  const size_t written = buckets.size();
  std::erase_if(buckets, [](const BucketPlan& b) { return !std::isfinite(b.upper_bound); });
  const bool ascending = std::ranges::is_sorted(buckets, {}, &BucketPlan::upper_bound);
  std::ranges::stable_sort(buckets, {}, &BucketPlan::upper_bound);
  const auto twice = std::ranges::unique(buckets, {}, &BucketPlan::upper_bound);
  buckets.erase(twice.begin(), twice.end());
  if (!ascending) problems.push_back({at, "the buckets' bounds do not ascend: sorted", false});
  if (buckets.size() < written) {
    problems.push_back({at,
                        fmt::format("{} of {} buckets are left out: their bounds are infinite, or "
                                    "those of others",
                                    written - buckets.size(), written),
                        false});
  }
}

uint64_t SlotOfSum(const HistogramConfig& config) {
  if (config.bucket_type != kFixed)
    return config.bucket_max < -1 ? kNoSlot : static_cast<uint64_t>(config.bucket_max) + 1;
  return config.bucket_keys.empty() ? kNoSlot : SlotOf(config.bucket_keys.back() + 1);
}

uint64_t EntriesOfArray(const HistogramPlan& plan) {
  uint64_t entries = 0;
  for (const BucketPlan& bucket : plan.buckets) {
    if (bucket.slot != kNoSlot) entries = std::max(entries, bucket.slot + 1);
  }
  return entries;
}

uint64_t EntriesOfHash(const HistogramPlan& plan) {
  return static_cast<uint64_t>(std::ranges::count_if(
      plan.buckets, [](const BucketPlan& bucket) { return bucket.slot != kNoSlot; }));
}

}  // namespace

HistogramPlan PlanBuckets(const HistogramConfig& config, Problems& problems) {
  HistogramPlan plan;
  plan.sum_multiplier = config.bucket_multiplier == 0 ? 1 : config.bucket_multiplier;
  plan.sum = SumSlot{SlotOfSum(config)};
  if (!std::isfinite(plan.sum_multiplier)) {
    problems.push_back({config.at, "bucket_multiplier is no finite number"});
    return plan;
  }
  plan.buckets = Buckets(config, problems);
  for (BucketPlan& bucket : plan.buckets) bucket.upper_bound *= plan.sum_multiplier;
  Order(plan.buckets, config.at, problems);
  return plan;
}

void CheckCapacity(const HistogramConfig& config, const HistogramPlan& plan, const ObjectMap& map,
                   Problems& problems) {
  const bool is_array = MapTypeOf(map.type).is_array;
  if (map.max_entries == 0 || (is_array && config.labels.size() > 1)) return;
  const auto warn = [&](std::string what) {
    problems.push_back({config.at, std::move(what), false});
  };
  const uint64_t entries = is_array ? EntriesOfArray(plan) : EntriesOfHash(plan);
  if (entries > map.max_entries) {
    warn(fmt::format("the buckets{} need {} entries, but max_entries of the map is {}",
                     config.labels.size() > 1 ? " of one histogram" : "", entries,
                     map.max_entries));
  } else if (is_array && std::get<SumSlot>(plan.sum).slot >= map.max_entries) {
    warn(fmt::format("the sum stays 0: its slot {} is beyond the map's max_entries {}",
                     std::get<SumSlot>(plan.sum).slot, map.max_entries));
  }
}

}  // namespace bpftally
