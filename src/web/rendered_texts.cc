#include "web/rendered_texts.h"

namespace bpftally {

std::shared_ptr<RenderedTexts::Entry> RenderedTexts::FindOrAdd(const Look& look,
                                                               const TextForm& form) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const auto& entry) { return entry.expired(); });
  for (const auto& weak : entries_) {
    auto entry = weak.lock();
    const bool same_look =
        entry && !entry->look.owner_before(look) && !look.owner_before(entry->look);
    if (same_look && entry->form == form) return entry;
  }
  auto entry = std::make_shared<Entry>(look, form);
  entries_.push_back(entry);
  return entry;
}

RenderedTexts::Text RenderedTexts::Get(const Look& look, const TextForm& form,
                                       const std::function<std::string()>& render) {
  const std::shared_ptr<Entry> entry = FindOrAdd(look, form);
  std::call_once(entry->rendered, [&] { entry->text = render(); });
  return {entry, &entry->text};
}

}  // namespace bpftally
