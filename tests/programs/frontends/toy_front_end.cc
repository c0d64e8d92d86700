#include "programs/frontends/toy_front_end.h"

#include <optional>
#include <sstream>
#include <string>
#include <utility>

namespace bpftally {
namespace {

std::string Cut(std::string& text, char end) {
  const size_t at = text.find(end);
  std::string front = text.substr(0, at);
  text = at == std::string::npos ? "" : text.substr(at + 1);
  return front;
}

FieldPlan Field(std::string text, Part part) {
  const std::string offset = Cut(text, ':');
  return {.offset = static_cast<uint32_t>(std::stoul(offset)),
          .size = static_cast<uint32_t>(std::stoul(text)),
          .part = part};
}

class ToyCompiler {
 public:
  ToyCompiler(const ConfigText& config, const ObjectFacts& object)
      : config_(config), object_(object) {}

  Compiled Run() && {
    std::istringstream lines{std::string(config_.text)};
    std::string line;
    std::getline(lines, line);  // "toy"
    for (line_ = 2; std::getline(lines, line); ++line_) Add(std::istringstream(line));
    compiled_.plan.functions = object_.programs;
    compiled_.plan.scope = "toys";
    compiled_.plan.const_labels = {{"made_by", "toy"}};
    return std::move(compiled_);
  }

 private:
  void Add(std::istringstream words) {
    std::string kind;
    std::string map;
    MetricPlan metric{.help = "A toy.", .at = {line_, 1}};
    words >> kind >> metric.name >> map;
    const ObjectMap* facts = object_.FindMap(map);
    if (facts == nullptr) return Refuse("no map " + map);
    SourcePlan source{.from = MapSource{map}, .key_size = facts->key_size, .value_size = 8};
    if (kind == "events" || kind == "observed") {
      source = {.from = EventSource{map}};
      words >> source.value_size;
    }
    if (!SetInstrument(kind, words, metric)) return Refuse("no kind of metric: " + kind);
    AddLabels(words, IsOfEvents(source) ? Part::kValue : Part::kKey, metric);
    source.metrics.push_back(std::move(metric));
    compiled_.plan.sources.push_back(std::move(source));
  }

  static bool SetInstrument(std::string_view kind, std::istringstream& words, MetricPlan& metric) {
    const FieldPlan value{.size = 8, .part = Part::kValue};
    if (kind == "counter") {
      metric.instrument = CounterPlan{.value = {.field = value}};
    } else if (kind == "gauge") {
      metric.instrument = GaugePlan{.value = {.field = value}};
    } else if (kind == "events") {
      metric.instrument = CounterPlan{};
    } else if (kind == "observed") {
      metric.instrument = ObservedIn(words);
    } else {
      return false;
    }
    return true;
  }

  static HistogramPlan ObservedIn(std::istringstream& words) {
    std::string field;
    std::string bounds;
    words >> field >> bounds;
    HistogramPlan histogram{.source = Observed{{.field = Field(field, Part::kValue)}}};
    while (!bounds.empty()) histogram.buckets.push_back({std::stod(Cut(bounds, ','))});
    return histogram;
  }

  static void AddLabels(std::istringstream& words, Part part, MetricPlan& metric) {
    for (std::string label; words >> label;) {
      std::string name = Cut(label, '=');
      metric.labels.push_back({std::move(name), Field(label, part), {{.name = "uint"}}});
    }
  }

  void Refuse(std::string what) {
    compiled_.findings.push_back(
        {Finding::Severity::kError, config_.file, {line_, 1}, std::move(what)});
  }

  const ConfigText& config_;
  const ObjectFacts& object_;
  int line_ = 0;
  Compiled compiled_;
};

}  // namespace

bool DetectsToy(const ConfigText& config) { return config.text.starts_with("toy\n"); }

Compiled CompileToy(const ConfigText& config, const ObjectFacts* object) {
  return ToyCompiler(config, object == nullptr ? ObjectFacts() : *object).Run();
}

}  // namespace bpftally
