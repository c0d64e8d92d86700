// Decoders that take the raw bytes of a key.

#include "base/bytes.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <iterator>
#include <optional>

#include "programs/decode/factories.h"

namespace bpftally {
namespace {

template <typename Number>
Result<uint64_t> LoadFront(std::string_view bytes, std::string_view decoder) {
  if (bytes.size() < sizeof(Number)) {
    return InvalidInput(fmt::format("{} needs {} bytes, not {}: check the label's size", decoder,
                                    sizeof(Number), bytes.size()));
  }
  return Load<Number>(bytes);
}

void AppendHex(std::string_view bytes, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  size_t at = out.size();
  out.resize(at + 2 * bytes.size());
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    out[at++] = kDigits[byte >> 4];
    out[at++] = kDigits[byte & 15];
  }
}

void AppendV4(std::string_view bytes, std::string& out) {
  const auto* octets = reinterpret_cast<const unsigned char*>(bytes.data());
  fmt::format_to(std::back_inserter(out), "{}.{}.{}.{}", octets[0], octets[1], octets[2],
                 octets[3]);
}

struct Run {
  size_t begin = 0;
  size_t length = 0;
};

Run LongestZeros(const std::array<uint16_t, 8>& groups) {
  Run best;
  Run run;
  for (size_t i = 0; i < groups.size(); ++i) {
    if (groups[i] != 0) {
      run = {};
      continue;
    }
    if (run.length++ == 0) run.begin = i;
    if (run.length > best.length) best = run;
  }
  return best;
}

// Follows RFC 5952: the first of the longest runs of at least two zero groups becomes "::".
void AppendV6(std::string_view bytes, std::string& out) {
  std::array<uint16_t, 8> groups{};
  for (size_t i = 0; i < groups.size(); ++i) {
    const auto high = static_cast<unsigned char>(bytes[2 * i]);
    const auto low = static_cast<unsigned char>(bytes[2 * i + 1]);
    groups[i] = static_cast<uint16_t>(high << 8 | low);
  }
  const Run zeros = LongestZeros(groups);
  for (size_t i = 0; i < groups.size(); ++i) {
    if (zeros.length >= 2 && i == zeros.begin) {
      out += "::";
      i += zeros.length - 1;
      continue;
    }
    if (!out.empty() && out.back() != ':') out += ':';
    fmt::format_to(std::back_inserter(out), "{:x}", groups[i]);
  }
}

}  // namespace

Result<uint64_t> LoadUint32(std::string_view bytes, std::string_view decoder) {
  return LoadFront<uint32_t>(bytes, decoder);
}

Result<uint64_t> LoadUint64(std::string_view bytes, std::string_view decoder) {
  return LoadFront<uint64_t>(bytes, decoder);
}

DecoderResult DecodeUint(std::string_view input, std::string& out) {
  const std::optional<uint64_t> number = LoadUint(input);
  if (!number)
    return InvalidInput(fmt::format("uint needs 1, 2, 4 or 8 bytes, not {}", input.size()));
  std::array<char, 20> digits{};
  const auto written = std::to_chars(digits.begin(), digits.end(), *number);
  out.assign(digits.data(), written.ptr);
  return Decoder::Verdict::kKeep;
}

DecoderResult DecodeString(std::string_view input, std::string& out) {
  out.assign(input.substr(0, input.find('\0')));
  return Decoder::Verdict::kKeep;
}

DecoderResult DecodeHex(std::string_view input, std::string& out) {
  out.clear();
  AppendHex(input, out);
  return Decoder::Verdict::kKeep;
}

// Prints addresses as Go prints net.IP: a mapped IPv4 address is dotted, whatever its size;
// anything that is no address becomes "?" and its bytes.
DecoderResult DecodeInetIp(std::string_view input, std::string& out) {
  static constexpr std::string_view kMapped("\0\0\0\0\0\0\0\0\0\0\xff\xff", 12);
  out.clear();
  if (input.size() == 4) {
    AppendV4(input, out);
  } else if (input.size() == 16 && input.starts_with(kMapped)) {
    AppendV4(input.substr(kMapped.size()), out);
  } else if (input.size() == 16) {
    AppendV6(input, out);
  } else if (input.empty()) {
    out = "<nil>";
  } else {
    out = "?";
    AppendHex(input, out);
  }
  return Decoder::Verdict::kKeep;
}

// Decodes a name in DNS wire format; leaves anything else as it is.
DecoderResult DecodeDname(std::string_view input, std::string& out) {
  if (input.empty()) {
    out = ".";
    return Decoder::Verdict::kKeep;
  }
  out.assign(input);
  for (size_t at = 0; at < input.size();) {
    const size_t length = static_cast<unsigned char>(input[at]);
    out[at] = '.';
    at += 1 + length;
    if (at > input.size()) {
      out.assign(input);
      return Decoder::Verdict::kKeep;
    }
  }
  out.erase(0, 1);
  return Decoder::Verdict::kKeep;
}

}  // namespace bpftally
