#include "programs/read/map_dump.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "kernel/map_handle.h"
#include "model/map_types.h"
#include "model/type_names.h"

namespace bpftally {
namespace {

constexpr size_t kMostEntries = 1000;

void AppendHex(std::string& text, std::string_view bytes) {
  for (const char byte : bytes)
    fmt::format_to(std::back_inserter(text), "{:02x}", static_cast<unsigned char>(byte));
}

}  // namespace

std::string DumpMap(const MapHandle& map, MapReader& reader,
                    std::chrono::steady_clock::time_point deadline) {
  std::string text =
      fmt::format("# {} (id {}, {}, key {} bytes, value {} bytes, at most {})\n", map.name, map.id,
                  MapTypeName(map.type), map.key_size, map.value_size, map.max_entries);
  if (MapTypeOf(map.type).is_event_buffer) return text;
  size_t count = 0;
  const auto read = reader.Read(map, deadline, [&](const Rows& rows) -> Result<void> {
    for (size_t entry = 0; entry < rows.count; ++entry) {
      if (++count > kMostEntries) continue;
      AppendHex(text, rows.Key(entry));
      for (size_t cpu = 0; cpu < rows.cpus; ++cpu) {
        text += ' ';
        AppendHex(text, rows.Value(entry, cpu));
      }
      text += '\n';
    }
    return {};
  });
  if (!read) text += fmt::format("# {}\n", read.error().message);
  if (count > kMostEntries) text += fmt::format("# and {} more\n", count - kMostEntries);
  return text;
}

}  // namespace bpftally
