#include "web/rendered_texts.h"

namespace bpftally {

std::shared_ptr<RenderedTexts::Entry> RenderedTexts::FindOrAdd(const Result& result,
                                                               const TextForm& form) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const auto& entry) { return entry.expired(); });
  for (const auto& weak : entries_) {
    auto entry = weak.lock();
    const bool same_result =
        entry && !entry->result.owner_before(result) && !result.owner_before(entry->result);
    if (same_result && entry->form == form) return entry;
  }
  auto entry = std::make_shared<Entry>(result, form);
  entries_.push_back(entry);
  return entry;
}

RenderedTexts::Text RenderedTexts::Get(const Result& result, const TextForm& form,
                                       const std::function<std::string()>& render) {
  const std::shared_ptr<Entry> entry = FindOrAdd(result, form);
  std::call_once(entry->rendered, [&] { entry->text = render(); });
  return {entry, &entry->text};
}

}  // namespace bpftally
