#include "export/otlp/otlp_encoder.h"

#include <algorithm>
#include <ranges>
#include <utility>

#include "export/otlp/otlp_encoder_delta.h"
#include "export/otlp/otlp_encoder_request.h"

namespace bpftally {
namespace {

// Returns the index among the family's current series; empty for the point of a vanished one.
std::optional<size_t> SeriesOf(const OtlpFamilyPlan& family, size_t point) {
  const size_t first = family.first_point + family.match->vanished.size();
  if (point < first) return std::nullopt;
  return point - first;
}

// Returns the index in the acknowledged family.
size_t VanishedSeries(const OtlpFamilyPlan& family, size_t point) {
  return family.match->vanished[point - family.first_point];
}

// Returns the index in the acknowledged family; empty for a new series.
std::optional<size_t> AcknowledgedSeries(const OtlpFamilyPlan& family, size_t series) {
  const uint32_t acknowledged = family.match->acknowledged[series];
  if (acknowledged == OtlpSeriesMatch::kNone) return std::nullopt;
  return acknowledged;
}

size_t PointBytes(const OtlpFamilyPlan& family, size_t point) {
  const FamilySpec& spec = family.spec();
  const std::optional<size_t> current = SeriesOf(family, point);
  const MetricFamily& of = current ? *family.now : *family.acknowledged;
  const size_t series = current ? *current : VanishedSeries(family, point);
  if (spec.type == MetricType::kHistogram)
    return OtlpRequest::PointBytes(spec, of.histograms[series]);
  return OtlpRequest::PointBytes(spec, of.samples[series].labels);
}

// Tells whether last values of vanished series have to be kept.
bool KeepsVanished(const OtlpFamilyPlan& family) {
  if (!family.delta || family.acknowledged == nullptr) return false;
  return !family.match->vanished.empty() ||
         SeriesCount(*family.acknowledged) > family.acknowledged_live;
}

}  // namespace

OtlpEncoder::OtlpEncoder(OtlpAttributes resource, OtlpTemporality temporality,
                         std::string scope_version, int64_t start_time_ns)
    : resource_(std::move(resource)),
      temporality_(temporality),
      scope_version_(std::move(scope_version)),
      start_time_ns_(start_time_ns) {}

void OtlpEncoder::Begin(std::shared_ptr<const MetricBatch> batch) {
  Remember();
  if (batch == nullptr || finished_.lock() == batch) return;
  batch_ = std::move(batch);
  plan_ = PlanFamilies(acknowledged_, *batch_, temporality_);
}

std::optional<OtlpChunk> OtlpEncoder::Next(const OtlpChunkLimits& limits) {
  offered_ = 0;
  const size_t points = PointCount();
  if (point_ == points) {
    Remember();  // releases the batch that was acknowledged before
    return std::nullopt;
  }
  OtlpRequest request(resource_, scope_version_);
  const size_t end = std::min(points, point_ + std::max<size_t>(limits.points, 1));
  const auto first =
      std::ranges::upper_bound(plan_, point_, std::less(), &OtlpFamilyPlan::end_point);
  for (auto family = first; family != plan_.end(); ++family) {
    if (!Fill(*family, end, limits.bytes, request)) break;
  }
  offered_ = request.points();
  return OtlpChunk{.request = request.Serialize(), .points = offered_};
}

void OtlpEncoder::Acknowledge() { point_ += std::exchange(offered_, 0); }

void OtlpEncoder::Skip() {
  skipped_.resize(point_, false);
  skipped_.resize(point_ + offered_, true);
  for (const OtlpFamilyPlan& family : plan_) {
    const size_t vanished_end = family.first_point + family.match->vanished.size();
    for (size_t i = family.first_point; i < std::min(vanished_end, skipped_.size()); ++i)
      skipped_[i] = false;
  }
  Acknowledge();
}

size_t OtlpEncoder::PointCount() const { return plan_.empty() ? 0 : plan_.back().end_point(); }

// Adds the family's points, from the first that is not yet in the request. False: the request is
// full.
bool OtlpEncoder::Fill(const OtlpFamilyPlan& family, size_t end, size_t bytes,
                       OtlpRequest& request) {
  size_t next_bytes = OtlpRequest::MetricBytes(family.spec());
  const size_t first = point_ + request.points();
  for (size_t point = first; point < family.end_point(); ++point) {
    if (point == end) return false;
    next_bytes += PointBytes(family, point);
    if (request.points() > 0 && request.bytes() + next_bytes > bytes) return false;
    if (point == first) request.StartMetric(family.spec(), family.delta);
    AddPoint(family, point, request);
    next_bytes = 0;
  }
  return true;
}

void OtlpEncoder::AddPoint(const OtlpFamilyPlan& family, size_t point, OtlpRequest& request) {
  const std::optional<size_t> series = SeriesOf(family, point);
  if (!series) {
    request.AddVanished(*family.acknowledged, VanishedSeries(family, point),
                        batch_->collected_at_ns);
  } else if (family.spec().type == MetricType::kHistogram) {
    AddHistogram(family, *series, request);
  } else {
    AddNumber(family, *series, request);
  }
}

void OtlpEncoder::AddNumber(const OtlpFamilyPlan& family, size_t series, OtlpRequest& request) {
  const Sample& sample = family.now->samples[series];
  const std::optional<size_t> acknowledged = AcknowledgedSeries(family, series);
  if (!family.delta || !acknowledged) {
    request.AddNumber(sample.labels, Times(family, sample.start_time_ns), sample.value);
    return;
  }
  const Sample& before = family.acknowledged->samples[*acknowledged];
  request.AddNumber(sample.labels,
                    Times(family, acknowledged_.AcknowledgedAt(before.start_time_ns)),
                    Increase(sample.value, before.value));
}

void OtlpEncoder::AddHistogram(const OtlpFamilyPlan& family, size_t series, OtlpRequest& request) {
  const HistogramSample& sample = family.now->histograms[series];
  const std::optional<size_t> acknowledged = AcknowledgedSeries(family, series);
  if (!family.delta || !acknowledged) {
    request.AddHistogram(sample, Times(family, sample.start_time_ns));
    return;
  }
  const HistogramSample& before = family.acknowledged->histograms[*acknowledged];
  request.AddHistogram(Increase(sample, before, counts_),
                       Times(family, acknowledged_.AcknowledgedAt(before.start_time_ns)));
}

OtlpTimes OtlpEncoder::Times(const OtlpFamilyPlan& family, int64_t start_ns) const {
  const int64_t time_ns = batch_->collected_at_ns;
  if (family.spec().type == MetricType::kGauge) return {.time_ns = time_ns};
  // The wall clock may have been set back since the start.
  return {std::min(start_ns > 0 ? start_ns : start_time_ns_, time_ns), time_ns};
}

bool OtlpEncoder::IsAcknowledged(size_t point) const {
  return point < point_ && !(point < skipped_.size() && skipped_[point]);
}

// Ends the batch and adds what the endpoint has of it to acknowledged_.
void OtlpEncoder::Remember() {
  const bool finished = batch_ != nullptr && point_ == PointCount();
  const bool whole = finished && skipped_.empty() && std::ranges::none_of(plan_, KeepsVanished);
  if (whole) {
    acknowledged_ = {.batch = batch_};
  } else if (finished || point_ > 0) {
    acknowledged_ =
        Compose(acknowledged_, *batch_, plan_, [&](size_t point) { return IsAcknowledged(point); });
  }
  if (finished) finished_ = batch_;
  batch_.reset();
  plan_.clear();
  skipped_.clear();
  point_ = 0;
  offered_ = 0;
}

}  // namespace bpftally
