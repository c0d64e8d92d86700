#pragma once

// Every field of the model's objects as text, to compare two of them field by field.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "model/snapshot.h"

namespace bpftally {

template <typename Info>
struct Field {
  std::string name;
  std::function<std::optional<std::string>(const Info&)> text;  // empty: unknown
};

// All fields but id and `self`.
const std::vector<Field<ProgramInfo>>& ProgramFields();
const std::vector<Field<MapInfo>>& MapFields();
const std::vector<Field<LinkInfo>>& LinkFields();

// Names an object in messages, as "sched_cls program 12 pop_name".
std::string Describe(const ProgramInfo& program);
std::string Describe(const MapInfo& map);
std::string Describe(const LinkInfo& link);

}  // namespace bpftally
