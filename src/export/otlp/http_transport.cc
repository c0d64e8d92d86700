#include <curl/curl.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "export/gzip.h"
#include "export/otlp/otlp_reply.h"
#include "export/otlp/otlp_transport.h"
#include "export/otlp/pem_file.h"

namespace bpftally {
namespace {

using Outcome = OtlpReply::Outcome;
using std::chrono::milliseconds;

constexpr size_t kMostReplyBytes = size_t{64} << 10;
constexpr size_t kMostHeaderBytes = size_t{64} << 10;
constexpr milliseconds kConnectTimeout{5000};
constexpr int kPollMilliseconds = 1000;  // needed for curl's own time-outs only

using Easy = std::unique_ptr<CURL, decltype(&curl_easy_cleanup)>;
using Multi = std::unique_ptr<CURLM, decltype(&curl_multi_cleanup)>;
using HeaderList = std::unique_ptr<curl_slist, decltype(&curl_slist_free_all)>;

std::string Gzipped(const std::string& text) {
  std::string packed;
  GzipStream stream(&packed);
  stream.Write(text);
  stream.Finish();
  return packed;
}

size_t AppendBody(const char* data, size_t, size_t size, void* body) {
  auto& text = *static_cast<std::string*>(body);
  text.append(data, std::min(size, kMostReplyBytes - text.size()));
  return size;  // excess is read until the deadline, but not kept
}

// Limits headers and trailers; curl itself would keep any number of trailers.
size_t CountHeader(const char*, size_t, size_t size, void* left_bytes) {
  auto& left = *static_cast<size_t*>(left_bytes);
  if (size > left) return 0;  // ends the request
  left -= size;
  return size;
}

Outcome OutcomeOf(long status) {
  switch (status) {
    case 429:
    case 502:
    case 503:
    case 504:
      return Outcome::kRetry;
    case 413:
      return Outcome::kTooLarge;
    default:
      return Outcome::kRejected;
  }
}

std::string_view AdviceFor(long status) {
  if (status == 401 || status == 403) return " (see OTEL_EXPORTER_OTLP_HEADERS)";
  if (status == 404) return " (is the path right? a collector takes /v1/metrics and /v1/traces)";
  if (status >= 300 && status < 400) return " (redirections are not followed)";
  return "";
}

std::unexpected<Error> Invalid(std::string message) {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, std::move(message)});
}

// Checks a header by RFC 9110. The value may be a secret.
bool IsValidHeader(std::string_view name, std::string_view value) {
  constexpr std::string_view kToken =
      "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
  return !name.empty() && name.find_first_not_of(kToken) == std::string_view::npos &&
         std::ranges::none_of(value,
                              [](unsigned char c) { return (c < ' ' && c != '\t') || c == 0x7f; });
}

Result<HeaderList> MakeHeaders(const OtlpEndpoint& endpoint) {
  std::vector<std::string> lines = {"Content-Type: application/x-protobuf", "Expect:"};
  if (endpoint.gzip) lines.emplace_back("Content-Encoding: gzip");
  for (const auto& [name, value] : endpoint.headers) {
    if (!IsValidHeader(name, value))
      return Invalid(fmt::format("the header \"{}\" cannot be sent over HTTP", QuotableText(name)));
    // A name that ends in a semicolon makes curl send an empty value.
    lines.push_back(value.empty() ? name + ";" : name + ": " + value);
  }
  HeaderList list(nullptr, &curl_slist_free_all);
  for (const std::string& line : lines) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    if (longer == nullptr) return std::unexpected(Error{ErrorKind::kExhausted, 0, "no memory"});
    (void)list.release();
    list.reset(longer);
  }
  return list;
}

class HttpTransport final : public OtlpTransport {
 public:
  HttpTransport(const OtlpEndpoint& endpoint, HeaderList headers)
      : address_(endpoint.address),
        traces_address_(endpoint.traces_address),
        gzip_(endpoint.gzip),
        headers_(std::move(headers)) {
    Set(CURLOPT_PROTOCOLS_STR, "http,https");
    Set(CURLOPT_HTTP_VERSION, long{CURL_HTTP_VERSION_1_1});
    Set(CURLOPT_USERAGENT, BPFTALLY_USER_AGENT);
    Set(CURLOPT_HTTPHEADER, headers_.get());
    Set(CURLOPT_NOSIGNAL, 1L);
    Set(CURLOPT_QUICK_EXIT, 1L);  // does not wait for curl's name resolver thread
    Set(CURLOPT_TCP_KEEPALIVE, 1L);
    Set(CURLOPT_ERRORBUFFER, error_.data());
    Set(CURLOPT_WRITEFUNCTION, &AppendBody);
    Set(CURLOPT_WRITEDATA, &body_);
    Set(CURLOPT_HEADERFUNCTION, &CountHeader);
    Set(CURLOPT_HEADERDATA, &header_bytes_left_);
    if (!endpoint.ca_file.empty()) Set(CURLOPT_CAINFO, endpoint.ca_file.c_str());
    if (endpoint.client_key_file.empty()) return;
    Set(CURLOPT_SSLKEY, endpoint.client_key_file.c_str());
    Set(CURLOPT_SSLCERT, endpoint.client_certificate_file.c_str());
  }

  OtlpReply Send(OtlpSignal signal, std::string request,
                 std::chrono::steady_clock::time_point deadline, std::stop_token cancel) override {
    const std::string& address = signal == OtlpSignal::kTraces ? traces_address_ : address_;
    if (address.empty())
      return {.message =
                  "the URL for spans is unknown, since the path of its URL does not end in "
                  "/v1/metrics; see OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"};
    Set(CURLOPT_URL, address.c_str());
    if (gzip_) request = Gzipped(request);
    Set(CURLOPT_POSTFIELDS, request.data());
    Set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.size()));
    const auto left = std::max(milliseconds(1), std::chrono::duration_cast<milliseconds>(
                                                    deadline - std::chrono::steady_clock::now()));
    Set(CURLOPT_TIMEOUT_MS, static_cast<long>(left.count()));
    Set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(std::min(left, kConnectTimeout).count()));
    error_.front() = '\0';
    body_.clear();
    header_bytes_left_ = kMostHeaderBytes;

    const CURLcode failure = Perform(std::move(cancel));
    if (failure == CURLE_OK) return ReplyOf();
    return {.outcome = Outcome::kRetry, .message = QuotableText(DetailOf(failure))};
  }

 private:
  template <typename T>
  void Set(CURLoption option, T value) {
    curl_easy_setopt(easy_.get(), option, value);
  }

  const char* DetailOf(CURLcode failure) const {
    if (failure == CURLE_WRITE_ERROR) return "the headers of its answer are too large";
    return error_.front() != '\0' ? error_.data() : curl_easy_strerror(failure);
  }

  // Uses a multi handle, since only that can be woken.
  CURLcode Perform(std::stop_token cancel) {
    const std::stop_callback wake(cancel, [this] { curl_multi_wakeup(multi_.get()); });
    curl_multi_add_handle(multi_.get(), easy_.get());
    int running = 1;
    while (curl_multi_perform(multi_.get(), &running) == CURLM_OK && running > 0 &&
           !cancel.stop_requested())
      curl_multi_poll(multi_.get(), nullptr, 0, kPollMilliseconds, nullptr);
    int left = 0;
    const CURLMsg* message = curl_multi_info_read(multi_.get(), &left);
    const CURLcode result = message != nullptr ? message->data.result : CURLE_ABORTED_BY_CALLBACK;
    curl_multi_remove_handle(multi_.get(), easy_.get());
    return result;
  }

  OtlpReply ReplyOf() {
    long status = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RESPONSE_CODE, &status);
    const char* type = nullptr;
    curl_easy_getinfo(easy_.get(), CURLINFO_CONTENT_TYPE, &type);
    const bool protobuf =
        type != nullptr && std::string_view(type).starts_with("application/x-protobuf");
    if (status >= 200 && status < 300) return ReadAcceptance(protobuf ? body_ : "");

    const std::string text = protobuf ? ReadRpcStatus(body_).message : QuotableText(body_);
    return {.outcome = OutcomeOf(status),
            .retry_after = RetryAfter(),
            .message = fmt::format("HTTP {}{}{}{}", status, text.empty() ? "" : ": ", text,
                                   AdviceFor(status))};
  }

  std::optional<std::chrono::nanoseconds> RetryAfter() {
    constexpr curl_off_t kMostSeconds = 365L * 24 * 3600;
    curl_off_t seconds = 0;
    curl_easy_getinfo(easy_.get(), CURLINFO_RETRY_AFTER, &seconds);
    if (seconds <= 0) return std::nullopt;
    return std::chrono::seconds(std::min(seconds, kMostSeconds));
  }

  const std::string address_;
  const std::string traces_address_;
  const bool gzip_;
  const HeaderList headers_;
  std::array<char, CURL_ERROR_SIZE> error_{};
  std::string body_;
  size_t header_bytes_left_ = 0;
  const Multi multi_{curl_multi_init(), &curl_multi_cleanup};
  const Easy easy_{curl_easy_init(), &curl_easy_cleanup};
};

}  // namespace

Result<std::unique_ptr<OtlpTransport>> MakeHttpTransport(const OtlpEndpoint& endpoint) {
  for (const std::string& path :
       {endpoint.ca_file, endpoint.client_key_file, endpoint.client_certificate_file}) {
    if (auto pem = ReadPemFile(path); !pem) return std::unexpected(std::move(pem.error()));
  }
  auto headers = MakeHeaders(endpoint);
  if (!headers) return std::unexpected(std::move(headers.error()));
  return std::make_unique<HttpTransport>(endpoint, std::move(*headers));
}

}  // namespace bpftally
