#include "programs/frontends/ebpf_exporter/label_checks.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <ranges>
#include <set>
#include <string_view>
#include <utility>

#include "base/suggest.h"
#include "programs/decode/decoder.h"
#include "programs/object/object_facts.h"
#include "programs/plan/plan.h"
#include "programs/plan/published_name.h"
#include "programs/plan/regexp.h"

namespace bpftally {
namespace {

constexpr uint64_t kMaxFieldBytes = uint64_t{1} << 20;
constexpr size_t kMaxListed = 16;

void CheckRegexps(const DecoderConfig& decoder, Problems& problems) {
  if (!decoder.regexps) {
    problems.push_back({decoder.at, "decoder \"regexp\" needs regexps"});
    return;
  }
  for (const std::string& text : *decoder.regexps) {
    if (const auto regexp = CompileRegexp(text); !regexp)
      problems.push_back({decoder.at, regexp.error().message});
  }
}

void CheckDecoder(const DecoderConfig& decoder, Problems& problems) {
  if (FindDecoder(decoder.name) == nullptr) {
    problems.push_back({decoder.at, fmt::format("unknown decoder {}{}", Quoted(decoder.name),
                                                DidYouMean(decoder.name, DecoderNames()))});
  }
  if (decoder.name == "regexp") CheckRegexps(decoder, problems);
  if (decoder.name == "static_map" && !decoder.static_map)
    problems.push_back({decoder.at, "decoder \"static_map\" has no static_map", false});
}

void CheckFirstDecoder(const LabelConfig& label, Problems& problems) {
  const DecoderConfig& first = label.decoders.front();
  const DecoderTraits* traits = FindDecoder(first.name);
  if (traits == nullptr) return;  // CheckDecoder reports it
  if (const std::string_view demand = traits->size_demand(label.size); !demand.empty()) {
    problems.push_back({first.at, fmt::format("decoder {} needs {}, the label has {}",
                                              Quoted(first.name), demand, label.size)});
  }
  if (traits->input == DecoderInput::kNumber) {
    problems.push_back({first.at,
                        fmt::format("decoder {} reads a number as text: put \"uint\" before it",
                                    Quoted(first.name)),
                        false});
  }
}

uint64_t Width(const LabelConfig& label) { return label.size + label.padding; }

size_t EndOf(const ObjectField& field) { return field.offset + field.size; }

std::string ListFields(const ObjectMap& map) {
  std::string list;
  for (const ObjectField& field : map.key_fields | std::views::take(kMaxListed)) {
    list += fmt::format("{}{} {}", list.empty() ? "" : ", ", Quoted(field.name), field.size);
    if (&field == &map.key_fields.back()) break;
    const size_t next = (&field)[1].offset;
    if (next > EndOf(field)) list += fmt::format(" and {} of padding", next - EndOf(field));
  }
  return list;
}

// Compares labels with fields of the key, pair by pair; there are as many of both.
Problems CompareWithFields(std::span<const LabelConfig> labels, const ObjectMap& map) {
  Problems problems;
  for (size_t i = 0; i < labels.size(); ++i) {
    const LabelConfig& label = labels[i];
    const ObjectField& field = map.key_fields[i];
    const bool last = i + 1 == labels.size();
    const size_t next = last ? map.key_size : map.key_fields[i + 1].offset;
    const size_t gap = next > EndOf(field) ? next - EndOf(field) : 0;
    if (label.size != field.size) {
      problems.push_back(
          {label.at, fmt::format("label {} has size {}, but field {} of the key {}",
                                 Quoted(label.name), label.size, Quoted(field.name), field.size)});
    } else if (label.padding != gap) {
      const std::string needed = gap == 0 ? "no padding" : fmt::format("padding: {}", gap);
      problems.push_back({label.at, fmt::format("label {} needs {} after field {}",
                                                Quoted(label.name), needed, Quoted(field.name))});
    }
  }
  return problems;
}

bool OverlapsPadding(const ObjectMap& map, uint64_t begin, uint64_t end) {
  uint64_t covered = 0;
  for (const ObjectField& field : map.key_fields) {
    if (field.offset > covered && begin < field.offset && end > covered) return true;
    covered = std::max<uint64_t>(covered, EndOf(field));
  }
  return end > covered;
}

// Finds labels that fill the key, but read the padding that the compiler put between its fields.
Problems CheckPadding(std::span<const LabelConfig> labels, const ObjectMap& map) {
  Problems problems;
  uint64_t offset = 0;
  for (const LabelConfig& label : labels) {
    if (!map.key_fields.empty() && OverlapsPadding(map, offset, offset + label.size)) {
      problems.push_back({label.at,
                          fmt::format("label {} reads padding of the key, which may hold anything",
                                      Quoted(label.name)),
                          false});
    }
    offset += Width(label);
  }
  return problems;
}

}  // namespace

Problems CheckLabel(const LabelConfig& label) {
  Problems problems;
  const auto fatal = [&](std::string what) { problems.push_back({label.at, std::move(what)}); };
  if (label.size == 0) fatal("size is missing: expected the bytes of its field");
  if (label.size > kMaxFieldBytes || label.padding > kMaxFieldBytes)
    fatal(fmt::format("size and padding must be at most {}", kMaxFieldBytes));
  if (label.decoders.empty()) {
    fatal("no decoders: expected at least one");
  } else if (label.size > 0) {
    CheckFirstDecoder(label, problems);
  }
  for (const DecoderConfig& decoder : label.decoders) CheckDecoder(decoder, problems);
  for (Problem& problem : problems)
    problem.what = fmt::format("label {}: {}", Quoted(label.name), problem.what);
  return problems;
}

Problems CheckPublishedNames(std::span<const LabelConfig> labels) {
  Problems problems;
  std::set<std::string> names;
  for (const LabelConfig& label : labels) {
    const std::string name = PublishedName(label.name);
    const bool first = names.insert(name).second;
    if (!first || (name != label.name && !IsValidLabelName(name))) {
      problems.push_back(
          {label.at,
           fmt::format("label {} is published as {}, which {}", Quoted(label.name), name,
                       first ? "Prometheus keeps for itself" : "another label is called, too")});
    }
  }
  return problems;
}

Problems CheckKey(std::span<const LabelConfig> labels, const ObjectMap& map, ConfigPosition at) {
  uint64_t total = 0;
  for (const LabelConfig& label : labels) {
    if (label.size > kMaxFieldBytes || label.padding > kMaxFieldBytes) return {};
    total += Width(label);
  }
  if (total == map.key_size) return CheckPadding(labels, map);
  std::string what = fmt::format(
      "its labels and their padding take {} bytes, but the key of its "
      "map has {}",
      total, map.key_size);
  const bool pairs = map.key_fields.size() == labels.size();
  if (!map.key_fields.empty() && !pairs) what += fmt::format(" ({})", ListFields(map));
  Problems problems = {{at, std::move(what)}};
  if (pairs) std::ranges::move(CompareWithFields(labels, map), std::back_inserter(problems));
  return problems;
}

}  // namespace bpftally
