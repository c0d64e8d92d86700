#include "daemon/rendered_texts.h"

namespace bpftally {

bool RenderedTexts::Matches(const Entry& entry, const TextKey& key) {
  const bool same_look = !entry.look.owner_before(key.look) && !key.look.owner_before(entry.look);
  return same_look && entry.format == key.format && entry.gzip == key.gzip &&
         entry.collectors == key.collectors;
}

std::shared_ptr<RenderedTexts::Entry> RenderedTexts::FindOrAdd(const TextKey& key) {
  const std::lock_guard lock(mutex_);
  std::erase_if(entries_, [](const auto& entry) { return entry.expired(); });
  for (const auto& weak : entries_) {
    if (auto entry = weak.lock(); entry != nullptr && Matches(*entry, key)) return entry;
  }
  auto entry = std::make_shared<Entry>();
  entry->look = key.look;
  entry->format = key.format;
  entry->gzip = key.gzip;
  entry->collectors = key.collectors;
  entries_.push_back(entry);
  return entry;
}

RenderedTexts::Text RenderedTexts::Get(const TextKey& key,
                                       const std::function<std::string()>& render) {
  const std::shared_ptr<Entry> entry = FindOrAdd(key);
  std::call_once(entry->rendered, [&] { entry->text = render(); });
  return {entry, &entry->text};
}

}  // namespace bpftally
