#pragma once

// The options that belong to a room of the source, whichever commands have them. An option of one
// command alone stands in that command's file.

#include <string>
#include <vector>

#include "settings/option_row.h"

namespace bpftally {

inline constexpr const char* kProgramSection = "Metric programs";
inline constexpr const char* kGeneralSection = "General";

std::vector<OptionRow> CensusRows();
std::vector<OptionRow> CollectorRows();
std::vector<OptionRow> ProgramRows();  // which metric programs to load
OptionRow BtfPathRow();
std::vector<OptionRow> ServingRows();
std::vector<OptionRow> OtlpRows();
std::vector<OptionRow> GeneralRows();  // of every command

// Adds what makes no sense together in the values of ProgramRows.
void CheckProgramOptions(const Options& options, std::vector<std::string>& findings);

}  // namespace bpftally
