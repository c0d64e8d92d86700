#include "export/otlp/otlp_exporter.h"

#include <algorithm>
#include <utility>

namespace bpftally {
namespace {

using Outcome = OtlpReply::Outcome;

// Number of single points refused in a row as too large, after which the receiver must mean
// something else.
constexpr unsigned kMostLoneRefusals = 5;

}  // namespace

std::string EndpointLabel(const std::string& address) {
  std::string label = address.substr(0, address.find_first_of("?#"));
  const size_t scheme = label.find("://");
  const size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  const size_t host_end = std::min(label.find('/', host), label.size());
  const size_t at = label.substr(0, host_end).rfind('@');
  if (at != std::string::npos && at >= host) label.erase(host, at + 1 - host);
  return label;
}

OtlpExporter::OtlpExporter(Parts parts, const Clock& clock)
    : request_timeout_(parts.request_timeout),
      transport_(std::move(parts.transport)),
      encoder_(std::move(parts.encoder)),
      backoff_(std::move(parts.random)),
      clock_(clock),
      log_(parts.endpoint, clock),
      stats_{.endpoint = std::move(parts.endpoint)} {}

OtlpEndpointStats OtlpExporter::Stats() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

void OtlpExporter::Export(std::shared_ptr<const MetricBatch> batch, const Limits& limits) {
  const TimePoint began = clock_.Now();
  const uint64_t points = batch->sample_count();
  encoder_.Begin(std::move(batch));
  auto chunk = encoder_.Next(chunk_limits_);
  if (!chunk) return;  // all of it is acknowledged already

  Tally tally;
  bool going = true;
  for (; chunk && going; chunk = going ? encoder_.Next(chunk_limits_) : std::nullopt)
    going = Send(std::move(*chunk), limits, tally);
  if (!going) {
    const uint64_t counted = tally.accepted + tally.rejected + tally.dropped;
    tally.dropped += points - std::min(points, counted);
    tally.failed = true;
  }
  if (!tally.too_large) chunk_limits_.Grow();
  if (!tally.failed) log_.Works();
  Record(tally, clock_.Now() - began);
}

bool OtlpExporter::Send(OtlpChunk chunk, const Limits& limits, Tally& tally) {
  const TimePoint deadline = std::min(limits.deadline, clock_.Now() + request_timeout_);
  const OtlpReply reply =
      transport_->Send(OtlpSignal::kMetrics, std::move(chunk.request), deadline, limits.cancel);
  switch (reply.outcome) {
    case Outcome::kAccepted:
      return Accept(reply, chunk.points, tally);
    case Outcome::kRejected:
      return Reject(reply, chunk.points, tally);
    case Outcome::kTooLarge:
      return Shrink(reply, chunk.points, tally);
    case Outcome::kRetry:
      return Retry(reply, limits);
  }
  return false;
}

bool OtlpExporter::Accept(const OtlpReply& reply, size_t points, Tally& tally) {
  encoder_.Acknowledge();
  backoff_.Reset();
  const uint64_t rejected = std::min<uint64_t>(reply.rejected, points);
  tally.accepted += points - rejected;
  tally.rejected += rejected;
  tally.lone_refusals = 0;
  if (rejected > 0 || !reply.message.empty()) log_.TakesPart(rejected, reply.message);
  return true;
}

bool OtlpExporter::Reject(const OtlpReply& reply, size_t points, Tally& tally) {
  encoder_.Skip();
  backoff_.Reset();
  tally.rejected += points;
  tally.failed = true;
  log_.Fails(reply.message);
  return true;
}

bool OtlpExporter::Shrink(const OtlpReply& reply, size_t points, Tally& tally) {
  tally.too_large = true;
  if (points > 1) {
    chunk_limits_.points = points / 2;
    return true;
  }
  encoder_.Skip();
  ++tally.dropped;
  tally.failed = true;
  log_.Fails(reply.message);
  if (++tally.lone_refusals < kMostLoneRefusals) return true;
  chunk_limits_ = {};
  return false;
}

bool OtlpExporter::Retry(const OtlpReply& reply, const Limits& limits) {
  if (limits.cancel.stop_requested()) return false;
  log_.Fails(reply.message);
  not_before_ = clock_.Now() + backoff_.Next(reply.retry_after);
  return not_before_ < std::min(limits.deadline, limits.renew) && limits.wait(not_before_);
}

void OtlpExporter::Record(const Tally& tally, std::chrono::duration<double> duration) {
  constexpr double kNanosecondsPerSecond = 1e9;
  const std::lock_guard lock(mutex_);
  ++(tally.failed ? stats_.failed : stats_.succeeded);
  stats_.points_accepted += tally.accepted;
  stats_.points_rejected += tally.rejected;
  stats_.points_dropped += tally.dropped;
  stats_.up = !tally.failed;
  stats_.duration_seconds = duration.count();
  if (!tally.failed)
    stats_.last_success_seconds =
        static_cast<double>(clock_.WallNanoseconds()) / kNanosecondsPerSecond;
}

}  // namespace bpftally
