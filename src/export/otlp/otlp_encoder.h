#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "export/otlp/otlp_encoder_told.h"
#include "export/otlp/otlp_options.h"
#include "model/metric_batch.h"

namespace bpftally {

class OtlpRequest;
struct OtlpTimes;

// Of one request. Both are kept, but for a single point that alone is larger than `bytes`.
struct OtlpChunkLimits {
  size_t points = 5000;
  size_t bytes = size_t{1000} * 1000;  // serialized

  // A step back to the usual number of points, after a receiver had found requests too large.
  void Grow() { points = std::min(points + points / 4 + 1, OtlpChunkLimits().points); }
};

struct OtlpChunk {
  std::string request;  // a serialized ExportMetricsServiceRequest
  size_t points = 0;
};

// Makes ExportMetricsServiceRequest messages of batches, and keeps what its endpoint was told. For
// one endpoint and one thread.
//
//   encoder.Begin(batch);
//   while (auto chunk = encoder.Next(limits)) { send it; encoder.Acknowledge(); }
//
// A batch may be abandoned anywhere, by beginning the next one: what of it was acknowledged is
// remembered, and nothing else is. Deltas are counted from there, so that none is told twice and
// none is lost, and a series that vanished is told so once (a no-recorded-value point).
//
// What is kept between batches is a pointer to the last one where all of it was acknowledged, else
// one batch put together from what was (otlp_encoder_told.h): no more series than the largest batch
// has, however long the endpoint is away. With deltas, also the last values of series that vanished
// within the hour, 10,000 of a family at most; one that comes back later counts as new.
class OtlpEncoder {
 public:
  // `start_time_ns`: since when those counters count whose own start is not known; wall clock.
  OtlpEncoder(OtlpAttributes resource, OtlpTemporality temporality, std::string scope_version,
              int64_t start_time_ns);

  // What follows is of this batch, which must be valid (metric_batch.h). One that was just told to
  // its end gives no chunk again.
  void Begin(std::shared_ptr<const MetricBatch> batch);

  // The next request that was not acknowledged yet; the same again (within the new limits) unless
  // Acknowledge() or Skip() came between. Empty where all of the batch was told, or none begun.
  std::optional<OtlpChunk> Next(const OtlpChunkLimits& limits);

  // The receiver has the chunk of the last Next().
  void Acknowledge();

  // It will never take it: go on behind it. The values count as not told; that a series vanished
  // is not told again.
  void Skip();

 private:
  size_t PointCount() const;
  bool Fill(const OtlpFamilyPlan& family, size_t end, size_t bytes, OtlpRequest& request);
  void AddPoint(const OtlpFamilyPlan& family, size_t point, OtlpRequest& request);
  void AddNumber(const OtlpFamilyPlan& family, size_t series, OtlpRequest& request);
  void AddHistogram(const OtlpFamilyPlan& family, size_t series, OtlpRequest& request);
  OtlpTimes Times(const OtlpFamilyPlan& family, int64_t start_ns) const;
  bool Acknowledged(size_t point) const;
  void Remember();

  OtlpAttributes resource_;
  OtlpTemporality temporality_;
  std::string scope_version_;
  int64_t start_time_ns_;

  OtlpTold told_;
  std::weak_ptr<const MetricBatch> finished_;  // the last of which nothing was left to tell

  std::shared_ptr<const MetricBatch> batch_;  // being told; null: none
  std::vector<OtlpFamilyPlan> plan_;          // of batch_
  size_t point_ = 0;                          // of the plan: the first not yet told or skipped
  size_t offered_ = 0;                        // points of the last Next()
  std::vector<bool> skipped_;                 // by point, as far as any was
  std::vector<uint64_t> counts_;              // of a histogram's increase
};

}  // namespace bpftally
