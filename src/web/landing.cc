#include "web/landing.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <iterator>

#include "collect/build_info.h"
#include "daemon/feature_advice.h"

namespace bpftally {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }
h1 { margin-bottom: 0 } h1 + p { margin-top: 0; opacity: .7 }
nav a { margin-right: 1rem }
table { border-collapse: collapse; width: 100%; margin-bottom: 1.5rem }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884;
  vertical-align: top }
.good { color: #2a9d4a } .bad { color: #d64545 }
)";

class Html {
 public:
  template <typename... Args>
  void Add(fmt::format_string<Args...> format, Args&&... args) {
    fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
  }

  void BeginTable(std::string_view title, std::initializer_list<std::string_view> columns) {
    Add("<h2>{}</h2>\n<table><tr>", title);
    for (const std::string_view column : columns) Add("<th>{}</th>", column);
    Add("</tr>\n");
  }
  void EndTable() { Add("</table>\n"); }

  std::string Take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string Verdict(bool good, std::string_view yes, std::string_view no) {
  return fmt::format(R"(<span class="{}">{}</span>)", good ? "good" : "bad",
                     EscapeHtml(good ? yes : no));
}

void AddHead(const LandingPage& page, Html& html) {
  html.Add(R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>bpftally</title>
<meta name="viewport" content="width=device-width"><style>{}</style></head><body>
<h1>bpftally</h1>
<p>What eBPF does on this host, as metrics. Version {}, revision {}.</p>
)",
           kStyle, EscapeHtml(BuildVersion()), EscapeHtml(BuildRevision()));
  html.Add(R"(<nav><a href="{0}">{0}</a> <a href="/-/healthy">/-/healthy</a> )"
           R"(<a href="/-/ready">/-/ready</a></nav>)"
           "\n",
           EscapeHtml(page.telemetry_path));
}

void AddKinds(const Snapshot& snapshot, Html& html) {
  html.BeginTable("Objects", {"Kind", "Count", "Source", "State"});
  for (const ObjectKind kind : kObjectKinds) {
    const KindStatus& status = snapshot.StatusOf(kind);
    const std::string problem = status.error ? status.error->message : "incomplete";
    html.Add("<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td></tr>\n", ObjectKindName(kind),
             snapshot.CountOf(kind), SourceName(status.source),
             Verdict(status.complete, "complete", problem));
  }
  html.EndTable();
}

void AddCollectors(const PollResult& last, Html& html) {
  html.BeginTable("Collectors", {"Name", "Description", "Time", "State"});
  for (const CollectorReport& report : last.collectors) {
    html.Add("<tr><td>{}</td><td>{}</td><td>{:.2f} ms</td><td>{}</td></tr>\n",
             EscapeHtml(report.name), EscapeHtml(report.help), report.seconds * 1e3,
             Verdict(report.success.value_or(false), "good", report.error));
  }
  html.EndTable();
}

void AddFeatures(const Snapshot& snapshot, Html& html) {
  html.BeginTable("Features", {"Name", "Source", "State"});
  for (const Feature& feature : snapshot.features) {
    html.Add("<tr><td>{}</td><td>{}</td><td>{}</td></tr>\n", EscapeHtml(feature.name),
             EscapeHtml(feature.source),
             Verdict(feature.available, "available",
                     fmt::format("not available: {}", AdviceFor(feature))));
  }
  html.EndTable();
}

std::string TimeOf(int64_t unix_ns) {
  const std::chrono::system_clock::time_point time{
      std::chrono::duration_cast<std::chrono::system_clock::duration>(
          std::chrono::nanoseconds(unix_ns))};
  return fmt::format("{:%Y-%m-%d %H:%M:%S} UTC", fmt::gmtime(time));
}

void AddReload(const ReloadStatus& reload, Html& html) {
  if (!reload.attempted) return;
  html.Add(
      "<p>Configuration last reloaded at {}: {}</p>\n", TimeOf(reload.at_ns),
      Verdict(reload.successful, "success", "failed, the previous one runs on: " + reload.message));
}

}  // namespace

std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&#39;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string RenderLandingPage(const LandingPage& page) {
  Html html;
  AddHead(page, html);
  AddReload(page.reload, html);
  html.Add("<p>Source: {}.", EscapeHtml(page.source));
  if (page.last == nullptr) {
    html.Add(" The first poll is under way.</p>\n");
  } else {
    const double milliseconds =
        std::chrono::duration<double, std::milli>(page.last->duration).count();
    html.Add(" The last poll took {:.2f} ms and gave {} series.</p>\n", milliseconds,
             page.last->batch.sample_count());
    AddKinds(*page.last->snapshot, html);
    AddCollectors(*page.last, html);
    AddFeatures(*page.last->snapshot, html);
  }
  html.Add("</body></html>\n");
  return html.Take();
}

}  // namespace bpftally
