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

// What makes one text of a look differ from another.
struct TextForm {
  TextFormat format = TextFormat::kPrometheus004;
  bool gzip = false;
  // Of collect[]=. A set: who names the same in another order, or twice, shares the text.
  std::set<std::string, std::less<>> collectors = {};

  bool operator==(const TextForm&) const = default;
};

// The texts that are being sent. Who asks for one that another is still fetching gets the same: so
// many slow readers hold one text for each look, not one each. Nothing is kept for those who come
// later. Thread-safe.
class RenderedTexts {
 public:
  using Look = std::shared_ptr<const PollResult>;
  using Text = std::shared_ptr<const std::string>;

  // `render` runs once for a look and form, however many ask; the others wait for it. What it
  // throws, its caller gets.
  Text Get(const Look& look, const TextForm& form, const std::function<std::string()>& render);

 private:
  struct Entry {
    std::weak_ptr<const PollResult> look;  // a reader that dawdles keeps its text, not the look
    TextForm form;
    std::once_flag rendered = {};
    std::string text = {};
  };

  std::shared_ptr<Entry> FindOrAdd(const Look& look, const TextForm& form);

  std::mutex mutex_;
  std::vector<std::weak_ptr<Entry>> entries_;
};

}  // namespace bpftally
