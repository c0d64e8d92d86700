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

void AppendHex(std::string& text, std::span<const std::byte> bytes) {
  for (const std::byte byte : bytes)
    fmt::format_to(std::back_inserter(text), "{:02x}", std::to_integer<unsigned>(byte));
}

}  // namespace

std::string DumpMap(const MapHandle& map, MapReader& reader,
                    std::chrono::steady_clock::time_point deadline) {
  std::string text =
      fmt::format("# {} (id {}, {}, key {} bytes, value {} bytes, at most {})\n", map.name, map.id,
                  MapTypeName(map.type), map.key_size, map.value_size, map.max_entries);
  if (MapTypeOf(map.type).is_event_buffer) return text;
  size_t count = 0;
  const auto read = reader.Read(map, deadline, [&](const MapContent& piece) -> Result<void> {
    for (size_t entry = 0; entry < piece.count(); ++entry) {
      if (++count > kMostEntries) continue;
      AppendHex(text, piece.Key(entry));
      for (size_t cpu = 0; cpu < piece.cpus; ++cpu) {
        text += ' ';
        AppendHex(text, piece.Value(entry, cpu));
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
