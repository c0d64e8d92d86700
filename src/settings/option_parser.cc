#include "settings/option_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <cxxopts.hpp>
#include <memory>

#include "settings/option_rows.h"

namespace bpftally {
namespace {

// Takes any text: for a wrong one cxxopts would name neither the option nor what it could be.
class Switch final : public cxxopts::values::standard_value<bool> {
 public:
  std::shared_ptr<cxxopts::Value> clone() const override { return std::make_shared<Switch>(*this); }
  void parse(const std::string&) const override {}
};

std::string HelpOf(const OptionRow& row) {
  if (row.default_value.empty()) return row.help;
  return fmt::format("{} (default {})", row.help, row.default_value);
}

// No positional arguments: cxxopts would split a list of words at their commas, so that a file
// "a,b" could not be named. Words end in unmatched().
cxxopts::Options MakeParser(const HelpPage& page) {
  cxxopts::Options parser("bpftally", page.introduction);
  parser.set_width(100).custom_help(page.usage).positional_help("").allow_unrecognised_options();
  for (const OptionRow& row : page.rows) {
    std::shared_ptr<cxxopts::Value> value = cxxopts::value<std::string>();
    if (row.argument.empty()) value = std::make_shared<Switch>();
    parser.add_options(row.section, {{row.name, HelpOf(row), value, row.argument}});
  }
  return parser;
}

}  // namespace

std::string_view LongName(const OptionRow& row) {
  const std::string_view name = row.name;
  return name.substr(name.find(',') + 1);
}

std::vector<std::string> SectionsOf(const std::vector<OptionRow>& rows) {
  std::vector<std::string> sections;
  for (const OptionRow& row : rows)
    if (std::ranges::find(sections, row.section) == sections.end()) sections.push_back(row.section);
  std::ranges::stable_partition(sections,
                                [](const auto& section) { return section != kGeneralSection; });
  return sections;
}

Result<ParsedOptions> SplitArguments(std::span<const char* const> arguments,
                                     const std::vector<OptionRow>& rows) {
  ParsedOptions parsed;
  try {
    auto parser = MakeParser({.introduction = "", .usage = "", .rows = rows});
    const auto result = parser.parse(static_cast<int>(arguments.size()), arguments.data());
    for (const auto& argument : result.arguments())
      parsed.given.emplace_back(argument.key(), argument.value());
    for (const std::string& word : result.unmatched()) {
      const bool is_option = word.starts_with('-');
      (is_option ? parsed.unknown : parsed.words)
          .push_back(is_option ? word.substr(0, word.find('=')) : word);
    }
  } catch (const cxxopts::exceptions::exception& error) {
    return std::unexpected(Error{ErrorKind::kInvalid, 0, error.what()});
  }
  return parsed;
}

std::string RenderHelp(const HelpPage& page) {
  try {
    return MakeParser(page).help(SectionsOf(page.rows));
  } catch (const cxxopts::exceptions::exception& error) {
    return error.what();
  }
}

}  // namespace bpftally
