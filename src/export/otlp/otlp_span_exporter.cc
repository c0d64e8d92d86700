#include "export/otlp/otlp_span_exporter.h"

#include <algorithm>
#include <utility>

#include "export/otlp/otlp_span_request.h"

namespace bpftally {

using Outcome = OtlpReply::Outcome;

OtlpSpanExporter::OtlpSpanExporter(Parts parts, OtlpSpanFeed& feed, size_t reader,
                                   const Clock& clock)
    : parts_(std::move(parts)),
      feed_(feed),
      reader_(reader),
      clock_(clock),
      backoff_(parts_.random),
      log_(parts_.endpoint, clock, OtlpSignal::kTraces) {}

void OtlpSpanExporter::AddTo(OtlpEndpointStats& stats) const {
  stats.spans_accepted += accepted_;
  stats.spans_rejected += rejected_;
  stats.spans_dropped += dropped_ + feed_.dropped(reader_);
}

void OtlpSpanExporter::Export(TimePoint deadline, const std::stop_token& cancel) {
  bool going = true;
  while (going && clock_.Now() < deadline && !cancel.stop_requested()) {
    const auto spans = feed_.Front(reader_, limits_.points);
    going = !spans.empty() && Send(spans, deadline, cancel);
  }
}

bool OtlpSpanExporter::Send(const OtlpSpanFeed::Spans& spans, TimePoint deadline,
                            const std::stop_token& cancel) {
  OtlpChunk chunk = EncodeSpans(spans, parts_.resource, parts_.scope_version, limits_);
  const OtlpReply reply =
      parts_.transport->Send(OtlpSignal::kTraces, std::move(chunk.request),
                             std::min(deadline, clock_.Now() + parts_.request_timeout), cancel);
  switch (reply.outcome) {
    case Outcome::kAccepted:
      return Accept(reply, chunk.points);
    case Outcome::kRejected:
      return Reject(reply, chunk.points);
    case Outcome::kTooLarge:
      return Shrink(reply, chunk.points);
    case Outcome::kRetry:
      return !cancel.stop_requested() && Retry(reply, chunk.points);
  }
  return false;
}

bool OtlpSpanExporter::Accept(const OtlpReply& reply, size_t spans) {
  Pop(spans);
  const uint64_t rejected = std::min<uint64_t>(reply.rejected, spans);
  accepted_ += spans - rejected;
  rejected_ += rejected;
  limits_.Grow();
  log_.Works();
  if (rejected > 0 || !reply.message.empty()) log_.TakesPart(rejected, reply.message);
  return true;
}

bool OtlpSpanExporter::Reject(const OtlpReply& reply, size_t spans) {
  Pop(spans);
  rejected_ += spans;
  log_.Fails(reply.message);
  return true;
}

// Drops a single span that is too large, then pauses: a receiver that calls each one too large must
// mean something else.
bool OtlpSpanExporter::Shrink(const OtlpReply& reply, size_t spans) {
  limits_.points = std::max<size_t>(spans / 2, 1);
  if (spans > 1) return true;
  Pop(spans);
  dropped_ += spans;
  log_.Fails(reply.message);
  return false;
}

bool OtlpSpanExporter::Retry(const OtlpReply& reply, size_t spans) {
  log_.Fails(reply.message);
  const TimePoint now = clock_.Now();
  not_before_ = now + backoff_.Next(reply.retry_after);
  if (!give_up_) give_up_ = now + parts_.timeout;
  if (not_before_ >= *give_up_) {
    feed_.Pop(reader_, spans);
    dropped_ += spans;
    give_up_.reset();
  }
  return false;
}

// Removes spans that the receiver has answered for.
void OtlpSpanExporter::Pop(size_t spans) {
  feed_.Pop(reader_, spans);
  backoff_.Reset();
  give_up_.reset();
}

}  // namespace bpftally
