#pragma once

#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/finding.h"
#include "programs/plan/problem.h"

namespace bpftally {

// Collects the mistakes of one part of a configuration, under that part's name.
class PlanNotes {
 public:
  PlanNotes(std::string file, std::string part, Findings& findings)
      : file_(std::move(file)), part_(std::move(part)), findings_(findings) {}

  void Error(ConfigPosition at, const std::string& what) {
    Add(Finding::Severity::kError, at, what);
  }
  void Warn(ConfigPosition at, const std::string& what) {
    Add(Finding::Severity::kWarning, at, what);
  }

  // Takes problems as warnings; the first fatal one becomes the reason why the part is unusable.
  void Take(const Problems& problems, std::optional<bpftally::Error>& unusable) {
    for (const Problem& problem : problems) {
      Warn(problem.at, problem.what);
      if (problem.fatal && !unusable)
        unusable = bpftally::Error{ErrorKind::kInvalid, 0, part_ + ": " + problem.what};
    }
  }

 private:
  static constexpr size_t kMaxWarnings = 1000;  // more than anybody would read

  void Add(Finding::Severity severity, ConfigPosition at, const std::string& what) {
    if (severity == Finding::Severity::kWarning && findings_.size() >= kMaxWarnings) return;
    findings_.push_back({severity, file_, at, part_ + ": " + what});
  }

  std::string file_;
  std::string part_;
  Findings& findings_;
};

}  // namespace bpftally
