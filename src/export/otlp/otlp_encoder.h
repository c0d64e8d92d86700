#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "export/otlp/otlp_encoder_acknowledged.h"
#include "export/otlp/otlp_options.h"
#include "model/metric_batch.h"

namespace bpftally {

class OtlpRequest;
struct OtlpTimes;

// Limits of one request. Only a single point that alone is larger than `bytes` may exceed them.
struct OtlpChunkLimits {
  size_t points = 5000;
  size_t bytes = size_t{1000} * 1000;  // serialized

  // Raises `points` by a quarter, up to the default, after a receiver had found requests too large.
  void Grow() { points = std::min(points + points / 4 + 1, OtlpChunkLimits().points); }
};

struct OtlpChunk {
  std::string request;  // a serialized ExportMetricsServiceRequest
  size_t points = 0;
};

// Turns batches into ExportMetricsServiceRequest messages and remembers what its endpoint has
// acknowledged. Serves one endpoint, from one thread.
//
//   encoder.Begin(batch);
//   while (auto chunk = encoder.Next(limits)) { send it; encoder.Acknowledge(); }
//
// The caller may abandon a batch at any point by beginning the next one; only acknowledged points
// are remembered. Deltas are counted from the last acknowledged value, so that no increase is
// reported twice or lost. A series that vanished is reported once, as a point with the
// no-recorded-value flag.
//
// Between batches the encoder keeps a pointer to the last batch if all of it was acknowledged, else
// a batch composed of the acknowledged series (otlp_encoder_acknowledged.h). That has no more
// series than the largest batch, however long the endpoint is away. With deltas it also keeps the
// last values of series that vanished within the hour, at most 10,000 a family; one that comes back
// later counts as new.
class OtlpEncoder {
 public:
  // `start_time_ns` (wall clock) is the start time of counters that do not know their own.
  OtlpEncoder(OtlpAttributes resource, OtlpTemporality temporality, std::string scope_version,
              int64_t start_time_ns);

  // Starts a batch, which must be valid (metric_batch.h). If it is the one that was finished last,
  // Next() returns nothing.
  void Begin(std::shared_ptr<const MetricBatch> batch);

  // Returns the next request that is not acknowledged yet, or the same one again (within the new
  // limits) unless Acknowledge() or Skip() was called in between. Empty at the end of the batch, or
  // if none was begun.
  std::optional<OtlpChunk> Next(const OtlpChunkLimits& limits);

  // Records that the receiver has the chunk of the last Next().
  void Acknowledge();

  // Goes on behind the chunk of the last Next(), which the receiver will never take. Its values
  // count as not acknowledged, but a vanished series in it is not reported again.
  void Skip();

 private:
  size_t PointCount() const;
  bool Fill(const OtlpFamilyPlan& family, size_t end, size_t bytes, OtlpRequest& request);
  void AddPoint(const OtlpFamilyPlan& family, size_t point, OtlpRequest& request);
  void AddNumber(const OtlpFamilyPlan& family, size_t series, OtlpRequest& request);
  void AddHistogram(const OtlpFamilyPlan& family, size_t series, OtlpRequest& request);
  OtlpTimes Times(const OtlpFamilyPlan& family, int64_t start_ns) const;
  bool IsAcknowledged(size_t point) const;
  void Remember();

  OtlpAttributes resource_;
  OtlpTemporality temporality_;
  std::string scope_version_;
  int64_t start_time_ns_;

  OtlpAcknowledged acknowledged_;
  std::weak_ptr<const MetricBatch> finished_;  // the last batch that was sent to its end

  std::shared_ptr<const MetricBatch> batch_;  // the batch being sent; null: none
  std::vector<OtlpFamilyPlan> plan_;          // how batch_ is sent
  size_t point_ = 0;              // first point of plan_ that is neither acknowledged nor skipped
  size_t offered_ = 0;            // number of points in the last Next()
  std::vector<bool> skipped_;     // by point, up to the last skipped one
  std::vector<uint64_t> counts_;  // buffer for the bucket counts of a delta
};

}  // namespace bpftally
