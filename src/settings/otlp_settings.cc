#include "settings/otlp_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <strings.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>

#include "base/suggest.h"
#include "settings/endpoint_url.h"

namespace bpftally {
namespace {

constexpr const char* kGrpcPort = "4317";
constexpr const char* kHttpPort = "4318";
constexpr std::string_view kMetricsPath = "/v1/metrics";
constexpr std::string_view kTracesPath = "/v1/traces";

// A value, with the name of the flag or variable that has it.
struct Setting {
  std::string name;
  std::string value;  // empty: not set
};

bool Same(const std::string& a, std::string_view b) {
  return strcasecmp(a.c_str(), std::string(b).c_str()) == 0;
}

// Returns what messages may show of an endpoint: a user or a query may be a secret.
std::string Shown(const std::string& url) {
  return url.find_first_of("@?") == std::string::npos ? fmt::format("\"{}\"", url) : "the value";
}

bool IsHeader(const std::string& key, const std::string& value) {
  const auto fits_key = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return std::ranges::all_of(key, fits_key) &&
         std::ranges::all_of(value, [](char c) { return c >= ' ' && c <= '~'; });
}

std::string HttpAddress(const EndpointUrl& url) {
  return fmt::format("{}://{}{}{}{}", url.tls.value_or(false) ? "https" : "http", url.host,
                     url.port.empty() ? "" : ":", url.port, url.path);
}

std::string GrpcAddress(const EndpointUrl& url) {
  return fmt::format("{}:{}", url.host, url.port.empty() ? kGrpcPort : url.port);
}

// Appends the path of metrics to that of all signals; a query stays at the end.
std::string BelowPath(const std::string& path) {
  const size_t query = std::min(path.find('?'), path.size());
  std::string base = path.substr(0, query);
  if (base.ends_with('/')) base.pop_back();
  return fmt::format("{}{}{}", base, kMetricsPath, path.substr(query));
}

// Derives the URL for spans from that for metrics; empty if its path does not end as usual.
std::string TracesAddress(EndpointUrl url) {
  const size_t query = std::min(url.path.find('?'), url.path.size());
  if (!std::string_view(url.path).substr(0, query).ends_with(kMetricsPath)) return "";
  url.path.replace(query - kMetricsPath.size(), kMetricsPath.size(), kTracesPath);
  return HttpAddress(url);
}

class Reader {
 public:
  Reader(const OtlpFlags& flags, const Environment& environment, const HostFacts& host)
      : flags_(flags), environment_(environment), host_(host) {}

  Result<OtlpSettings> Read() {
    const bool by_flag = !flags_.grpc.empty() || !flags_.http.empty();
    if (!by_flag && !EnvironmentAsks()) return std::move(settings_);
    ReadShared();
    if (!flags_.grpc.empty()) AddGrpc({"--otlp-grpc", flags_.grpc}, true);
    if (!flags_.http.empty()) AddHttpOfFlag();
    if (!by_flag) AddOfEnvironment();
    ReadTracesEndpoint();
    if (errors_.empty()) return std::move(settings_);
    return std::unexpected(
        Error{ErrorKind::kInvalid, 0, fmt::format("{}", fmt::join(errors_, "\n"))});
  }

 private:
  Setting Find(std::string name) const {
    std::string value(Variable(environment_, name.c_str()));
    return {std::move(name), std::move(value)};
  }

  // Prefers the variable for metrics to that for all signals.
  Setting FindOtlp(const char* suffix) const {
    Setting own = Find(fmt::format("OTEL_EXPORTER_OTLP_METRICS_{}", suffix));
    return own.value.empty() ? Find(fmt::format("OTEL_EXPORTER_OTLP_{}", suffix)) : own;
  }

  void Warn(const Setting& setting, std::string_view expected) {
    settings_.warnings.push_back(
        fmt::format("{}: \"{}\" is ignored: expected {}", setting.name, setting.value, expected));
  }

  template <typename T>
  void Choose(T& field, const Setting& setting,
              std::initializer_list<std::pair<std::string_view, T>> choices) {
    if (setting.value.empty()) return;
    std::vector<std::string_view> names;
    for (const auto& [name, meaning] : choices) {
      if (Same(setting.value, name)) {
        field = meaning;
        return;
      }
      names.push_back(name);
    }
    Warn(setting, fmt::format("{}{}", fmt::join(names, ", "), DidYouMean(setting.value, names)));
  }

  bool IsTrue(const Setting& setting) {
    bool value = false;
    Choose<bool>(value, setting, {{"true", true}, {"false", false}});
    return value;
  }

  void ReadMilliseconds(std::chrono::nanoseconds& field, const Setting& setting) {
    constexpr std::chrono::milliseconds kLongest = std::chrono::hours(24);
    if (setting.value.empty()) return;
    int64_t number = 0;
    const char* const end = setting.value.data() + setting.value.size();
    const auto [parsed, error] = std::from_chars(setting.value.data(), end, number);
    if (error != std::errc() || parsed != end || number <= 0 || number > kLongest.count()) {
      return Warn(setting, fmt::format("milliseconds, from 1 to {}", kLongest.count()));
    }
    field = std::chrono::milliseconds(number);
  }

  // True if the variables ask for a push: an endpoint does, unless OTEL_METRICS_EXPORTER is set.
  bool EnvironmentAsks() {
    if (IsTrue(Find("OTEL_SDK_DISABLED"))) return false;
    const std::vector<std::string> exporters = ReadExporters();
    const auto has = [&](const char* name) {
      return std::ranges::find(exporters, name) != exporters.end();
    };
    if (exporters.empty()) return !FindOtlp("ENDPOINT").value.empty();
    return has("otlp") && !has("none");
  }

  // Returns the known exporters of the list.
  std::vector<std::string> ReadExporters() {
    Setting list = Find("OTEL_METRICS_EXPORTER");
    std::erase(list.value, ' ');
    std::vector<std::string> exporters;
    for (size_t at = 0; at < list.value.size();) {
      const size_t end = std::min(list.value.find(',', at), list.value.size());
      const Setting item{list.name, list.value.substr(at, end - at)};
      std::string exporter;
      Choose<std::string>(exporter, item,
                          {{"otlp", "otlp"},
                           {"none", "none"},
                           {"prometheus", "prometheus"},
                           {"console", "console"},
                           {"logging", "console"}});
      if (!exporter.empty()) exporters.push_back(exporter);
      at = end + 1;
    }
    return exporters;
  }

  // Reads the settings that all endpoints share.
  void ReadShared() {
    OtlpOptions& options = settings_.options;
    ReadMilliseconds(options.interval, Find("OTEL_METRIC_EXPORT_INTERVAL"));
    ReadMilliseconds(options.timeout, Find("OTEL_METRIC_EXPORT_TIMEOUT"));
    // "lowmemory" means deltas for synchronous instruments only; all of ours are read from the
    // kernel.
    Choose<OtlpTemporality>(options.temporality,
                            Find("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"),
                            {{"cumulative", OtlpTemporality::kCumulative},
                             {"delta", OtlpTemporality::kDelta},
                             {"lowmemory", OtlpTemporality::kCumulative}});
    options.resource = MakeOtlpResource(host_, environment_, settings_.warnings);
    ReadMilliseconds(shared_.timeout, FindOtlp("TIMEOUT"));
    Choose<bool>(shared_.gzip, FindOtlp("COMPRESSION"), {{"gzip", true}, {"none", false}});
    ReadHeaders();
    ReadFiles();
  }

  void ReadHeaders() {
    const Setting setting = FindOtlp("HEADERS");
    const bool valid = ReadPairs(setting.value, [&](std::string key, std::string value) {
      // gRPC requires lower case, HTTP ignores case.
      std::ranges::transform(key, key.begin(),
                             [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
      const bool fits = IsHeader(key, value);
      if (fits) shared_.headers.emplace_back(std::move(key), std::move(value));
      return fits;
    });
    if (valid) return;
    shared_.headers.clear();
    settings_.warnings.push_back(fmt::format(
        "{} is ignored: it is not key=value,key=value with values percent-encoded", setting.name));
  }

  void ReadFiles() {
    shared_.ca_file = FindOtlp("CERTIFICATE").value;
    shared_.client_key_file = FindOtlp("CLIENT_KEY").value;
    shared_.client_certificate_file = FindOtlp("CLIENT_CERTIFICATE").value;
    if (shared_.client_key_file.empty() != shared_.client_certificate_file.empty()) {
      errors_.emplace_back(
          "OTEL_EXPORTER_OTLP_CLIENT_KEY and OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE: one is set "
          "and the other is not; TLS with a client certificate needs both");
    }
  }

  void Add(OtlpProtocol protocol, std::string address, bool tls) {
    OtlpEndpoint endpoint = shared_;
    endpoint.protocol = protocol;
    endpoint.address = std::move(address);
    endpoint.tls = tls;
    settings_.options.endpoints.push_back(std::move(endpoint));
  }

  // `insecure`: without TLS if the URL has no scheme.
  void AddGrpc(const Setting& setting, bool insecure) {
    const auto url = ParseEndpointUrl(setting.value);
    if (!url || (!url->path.empty() && url->path != "/")) {
      errors_.push_back(fmt::format(
          "{}: {} is not HOST:PORT, http://HOST:PORT or https://HOST:PORT, as gRPC needs",
          setting.name, Shown(setting.value)));
      return;
    }
    Add(OtlpProtocol::kGrpc, GrpcAddress(*url), url->tls.value_or(!insecure));
  }

  std::optional<EndpointUrl> ParseHttp(const Setting& setting, bool needs_scheme) {
    auto url = ParseEndpointUrl(setting.value);
    if (url && (url->tls || !needs_scheme)) return url;
    errors_.push_back(fmt::format("{}: {} is not a URL such as http://HOST:{} or https://HOST{}",
                                  setting.name, Shown(setting.value), kHttpPort, kMetricsPath));
    return std::nullopt;
  }

  void AddHttpOfFlag() {
    auto url = ParseHttp({"--otlp-http", flags_.http}, false);
    if (!url) return;
    if (url->port.empty()) url->port = kHttpPort;
    if (url->path.empty() || url->path == "/") url->path = kMetricsPath;
    AddHttp(*url);
  }

  void AddOfEnvironment() {
    OtlpProtocol protocol = OtlpProtocol::kHttpProtobuf;
    const Setting named = FindOtlp("PROTOCOL");
    Choose<OtlpProtocol>(
        protocol, named,
        {{"grpc", OtlpProtocol::kGrpc}, {"http/protobuf", OtlpProtocol::kHttpProtobuf}});
    Setting endpoint = FindOtlp("ENDPOINT");
    const bool grpc = protocol == OtlpProtocol::kGrpc;
    if (endpoint.value.empty())
      endpoint.value = fmt::format("http://localhost:{}", grpc ? kGrpcPort : kHttpPort);
    if (grpc) {
      AddGrpc(endpoint, IsTrue(FindOtlp("INSECURE")));
    } else {
      AddHttpOfEnvironment(endpoint, named);
    }
  }

  void AddHttpOfEnvironment(const Setting& endpoint, const Setting& protocol) {
    auto url = ParseHttp(endpoint, true);
    if (!url) return;
    if (url->port == kGrpcPort && protocol.value.empty()) {
      settings_.warnings.push_back(
          fmt::format("{}: port {} is gRPC's as a rule, but the protocol is http/protobuf where "
                      "OTEL_EXPORTER_OTLP_PROTOCOL does not say grpc",
                      endpoint.name, kGrpcPort));
    }
    const bool for_metrics = endpoint.name == "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
    if (!for_metrics) url->path = BelowPath(url->path);
    AddHttp(*url);
  }

  void AddHttp(const EndpointUrl& url) {
    Add(OtlpProtocol::kHttpProtobuf, HttpAddress(url), url.tls.value_or(false));
    settings_.options.endpoints.back().traces_address = TracesAddress(url);
  }

  // Applies to HTTP only: over gRPC metrics and spans share a connection.
  void ReadTracesEndpoint() {
    const Setting setting = Find("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
    for (OtlpEndpoint& endpoint : settings_.options.endpoints) {
      if (setting.value.empty() || endpoint.protocol != OtlpProtocol::kHttpProtobuf) continue;
      if (const auto url = ParseHttp(setting, true)) endpoint.traces_address = HttpAddress(*url);
    }
  }

  const OtlpFlags& flags_;
  const Environment& environment_;
  const HostFacts& host_;
  OtlpEndpoint shared_;  // what all endpoints share
  OtlpSettings settings_;
  std::vector<std::string> errors_;
};

}  // namespace

Result<OtlpSettings> ReadOtlpSettings(const OtlpFlags& flags, const Environment& environment,
                                      const HostFacts& host) {
  return Reader(flags, environment, host).Read();
}

}  // namespace bpftally
