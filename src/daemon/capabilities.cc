#include "daemon/capabilities.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/capability.h>
#include <sys/prctl.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cerrno>
#include <filesystem>
#include <memory>
#include <type_traits>

#include "base/suggest.h"

namespace bpftally {
namespace {

struct FreeCapabilities {
  void operator()(void* capabilities) const { ::cap_free(capabilities); }
};
using Capabilities = std::unique_ptr<std::remove_pointer_t<cap_t>, FreeCapabilities>;

Error Failed(const char* what) {
  return ErrnoError(errno, fmt::format("--capabilities.keep: cannot {}", what));
}

std::vector<std::string> KnownNames() {
  std::vector<std::string> names;
  for (cap_value_t i = 0; i < ::cap_max_bits(); ++i) {
    const std::unique_ptr<char, FreeCapabilities> name(::cap_to_name(i));
    if (name) names.emplace_back(name.get());
  }
  return names;
}

// Spells "CAP_BPF", "cap_bpf" and "bpf" as libcap does.
std::string Normalised(std::string_view word) {
  std::string name;
  for (const char c : word) {
    if (c != ' ') name += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  return name.starts_with("cap_") ? name : "cap_" + name;
}

std::string Unknown(std::string_view word, const std::string& name) {
  const std::vector<std::string> known = KnownNames();
  const std::vector<std::string_view> candidates(known.begin(), known.end());
  return fmt::format("--capabilities.keep: unknown capability \"{}\"{}", word,
                     DidYouMean(name, candidates));
}

// Returns the three sets with what is kept of what there is.
Result<Capabilities> Reduced(const CapabilitiesToKeep& keep) {
  const Capabilities now(::cap_get_proc());
  Capabilities reduced(::cap_init());
  if (!now || !reduced) return std::unexpected(Failed("read the capabilities of this process"));
  for (const int capability : keep.kept) {
    for (const cap_flag_t set : {CAP_PERMITTED, CAP_EFFECTIVE, CAP_INHERITABLE}) {
      cap_flag_value_t has = CAP_CLEAR;
      const cap_value_t value = capability;
      if (::cap_get_flag(now.get(), value, set, &has) != 0 ||
          ::cap_set_flag(reduced.get(), set, 1, &value, has) != 0)
        return std::unexpected(Failed("choose the capabilities to keep"));
    }
  }
  return reduced;
}

// Failures are ignored: this needs CAP_SETPCAP, which service managers seldom give, and with
// no_new_privs no program that is executed could use the set anyway.
void ReduceBounding(const CapabilitiesToKeep& keep) {
  for (cap_value_t i = 0; i < ::cap_max_bits(); ++i) {
    if (std::ranges::find(keep.kept, i) == keep.kept.end()) ::cap_drop_bound(i);
  }
}

Result<void> OneThreadOnly() {
  std::error_code error;
  const auto threads = std::distance(std::filesystem::directory_iterator("/proc/self/task", error),
                                     std::filesystem::directory_iterator());
  if (error || threads == 1) return {};
  return std::unexpected(
      Error{ErrorKind::kInternal, 0,
            fmt::format("--capabilities.keep: {} threads run already, which would keep theirs",
                        threads)});
}

}  // namespace

Result<CapabilitiesToKeep> ParseCapabilitiesToKeep(std::string_view text) {
  if (text == "all") return CapabilitiesToKeep{};
  CapabilitiesToKeep keep{.all = false};
  if (text == "none") return keep;
  std::vector<std::string> wrong;
  while (true) {
    const size_t comma = text.find(',');
    const std::string_view word = text.substr(0, comma);
    const std::string name = Normalised(word);
    cap_value_t value = 0;
    // libcap also takes numbers, but not with "cap_" in front.
    if (::cap_from_name(name.c_str(), &value) == 0)
      keep.kept.push_back(value);
    else
      wrong.push_back(Unknown(word, name));
    if (comma == std::string_view::npos) break;
    text.remove_prefix(comma + 1);
  }
  if (wrong.empty()) return keep;
  return std::unexpected(Error{ErrorKind::kInvalid, 0, fmt::format("{}", fmt::join(wrong, "\n"))});
}

Result<void> KeepCapabilities(const CapabilitiesToKeep& keep) {
  if (keep.all) return {};
  if (auto alone = OneThreadOnly(); !alone) return alone;
  auto reduced = Reduced(keep);
  if (!reduced) return std::unexpected(reduced.error());
  ReduceBounding(keep);  // first: it needs CAP_SETPCAP
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
    return std::unexpected(Failed("set no_new_privs"));
  if (::cap_reset_ambient() != 0) return std::unexpected(Failed("clear the ambient set"));
  if (::cap_set_proc(reduced->get()) != 0) return std::unexpected(Failed("give capabilities up"));
  return {};
}

}  // namespace bpftally
