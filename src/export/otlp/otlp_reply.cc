#include "export/otlp/otlp_reply.h"

#include <google/protobuf/empty.pb.h>
#include <google/protobuf/unknown_field_set.h>

#include <algorithm>

#include "base/utf8.h"

namespace bpftally {
namespace {

using google::protobuf::UnknownField;

// Field numbers from the .proto files. The generated classes would report malformed input on
// stderr, and no package has compiled google.rpc. Metrics and traces use the same numbers.
constexpr int kResponsePartialSuccess = 1;
constexpr int kPartialSuccessRejected = 1;
constexpr int kPartialSuccessMessage = 2;
constexpr int kStatusMessage = 2;
constexpr int kStatusDetails = 3;
constexpr int kAnyTypeUrl = 1;
constexpr int kAnyValue = 2;
constexpr int kRetryInfoDelay = 1;
constexpr int kDurationSeconds = 1;
constexpr int kDurationNanos = 2;
constexpr std::string_view kRetryInfo = "/google.rpc.RetryInfo";

constexpr size_t kQuotedBytes = 256;

// The fields of a message of any type; no fields if the bytes are malformed.
class Fields {
 public:
  explicit Fields(std::string_view bytes) {
    if (!message_.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) message_.Clear();
  }

  // Returns the last of repeated occurrences, as protobuf specifies.
  std::string_view Bytes(int number) const {
    std::string_view last;
    VisitBytes(number, [&](std::string_view bytes) { last = bytes; });
    return last;
  }

  template <typename Visitor>
  void VisitBytes(int number, Visitor visit) const {
    for (int i = 0; i < All().field_count(); ++i) {
      const UnknownField& field = All().field(i);
      if (field.number() == number && field.type() == UnknownField::TYPE_LENGTH_DELIMITED)
        visit(std::string_view(field.length_delimited()));
    }
  }

  int64_t Integer(int number) const {
    int64_t last = 0;
    for (int i = 0; i < All().field_count(); ++i) {
      const UnknownField& field = All().field(i);
      if (field.number() == number && field.type() == UnknownField::TYPE_VARINT)
        last = static_cast<int64_t>(field.varint());
    }
    return last;
  }

 private:
  const google::protobuf::UnknownFieldSet& All() const {
    return message_.GetReflection()->GetUnknownFields(message_);
  }

  google::protobuf::Empty message_;
};

std::chrono::nanoseconds ReadDuration(std::string_view bytes) {
  constexpr int64_t kMostSeconds = 365L * 24 * 3600;  // keeps the sum within 64 bits
  constexpr int64_t kMostNanos = 999'999'999;
  const Fields duration(bytes);
  return std::chrono::seconds(
             std::clamp<int64_t>(duration.Integer(kDurationSeconds), 0, kMostSeconds)) +
         std::chrono::nanoseconds(
             std::clamp<int64_t>(duration.Integer(kDurationNanos), 0, kMostNanos));
}

}  // namespace

OtlpReply ReadAcceptance(std::string_view response) {
  const Fields fields(response);
  const Fields partial(fields.Bytes(kResponsePartialSuccess));
  const int64_t rejected = std::max<int64_t>(partial.Integer(kPartialSuccessRejected), 0);
  return {.outcome = OtlpReply::Outcome::kAccepted,
          .rejected = static_cast<uint64_t>(rejected),
          .message = QuotableText(partial.Bytes(kPartialSuccessMessage))};
}

RpcStatus ReadRpcStatus(std::string_view status) {
  const Fields fields(status);
  RpcStatus result{.message = QuotableText(fields.Bytes(kStatusMessage)), .retry_delay = {}};
  fields.VisitBytes(kStatusDetails, [&](std::string_view detail) {
    const Fields any(detail);
    if (!any.Bytes(kAnyTypeUrl).ends_with(kRetryInfo)) return;
    const Fields info(any.Bytes(kAnyValue));
    result.retry_delay = ReadDuration(info.Bytes(kRetryInfoDelay));
  });
  return result;
}

std::string QuotableText(std::string_view text) { return ToOneLine(text, kQuotedBytes); }

}  // namespace bpftally
