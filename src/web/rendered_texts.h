#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "daemon/poller.h"
#include "export/prometheus/text_format.h"

namespace bpftally {

// Distinguishes the texts that one poll may be rendered to.
struct TextForm {
  TextFormat format = TextFormat::kPrometheus004;
  bool gzip = false;
  // The values of collect[]=, as a set: requests that name the same in another order, or twice,
  // share the text.
  std::set<std::string, std::less<>> collectors = {};

  bool operator==(const TextForm&) const = default;
};

// The texts that are being sent. A request for a text that another client is still fetching gets
// the same one, so that many slow readers hold one text for each poll, not one each. Nothing is
// kept for later requests. Thread-safe.
class RenderedTexts {
 public:
  using Result = std::shared_ptr<const PollResult>;
  using Text = std::shared_ptr<const std::string>;

  // Runs `render` once for a result and form, however many ask; the others wait for it. Exceptions
  // of `render` reach the caller that ran it.
  Text Get(const Result& result, const TextForm& form, const std::function<std::string()>& render);

 private:
  struct Entry {
    std::weak_ptr<const PollResult> result;  // a slow reader keeps its text, not the result
    TextForm form;
    std::once_flag rendered = {};
    std::string text = {};
  };

  std::shared_ptr<Entry> FindOrAdd(const Result& result, const TextForm& form);

  std::mutex mutex_;
  std::vector<std::weak_ptr<Entry>> entries_;
};

}  // namespace bpftally
