#include "programs/decode/decoder.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/finding.h"
#include "base/suggest.h"
#include "programs/decode/factories.h"
#include "programs/plan/plan.h"

namespace bpftally {
namespace {

template <PlainDecode kDecode>
class Plain final : public Decoder {
 public:
  DecoderResult Decode(std::string_view input, std::string& out) override {
    return kDecode(input, out);
  }
};

template <HostDecode kDecode>
class OnHost final : public Decoder {
 public:
  explicit OnHost(HostTables& tables) : tables_(tables) {}
  DecoderResult Decode(std::string_view input, std::string& out) override {
    return kDecode(tables_, input, out);
  }

 private:
  HostTables& tables_;
};

template <PlainDecode kDecode>
Result<std::unique_ptr<Decoder>> MakePlain(const DecoderPlan&, HostTables&) {
  return std::make_unique<Plain<kDecode>>();
}

template <HostDecode kDecode>
Result<std::unique_ptr<Decoder>> MakeOnHost(const DecoderPlan&, HostTables& tables) {
  return std::make_unique<OnHost<kDecode>>(tables);
}

// Size rules of the decoders.

std::string_view AnySize(uint64_t) { return {}; }

std::string_view NumberSize(uint64_t size) {
  const bool fits = size == 1 || size == 2 || size == 4 || size == 8;
  return fits ? "" : "1, 2, 4 or 8 bytes";
}

std::string_view AtLeast4(uint64_t size) { return size >= 4 ? "" : "at least 4 bytes"; }
std::string_view AtLeast8(uint64_t size) { return size >= 8 ? "" : "at least 8 bytes"; }
std::string_view MultipleOf8(uint64_t size) { return size % 8 == 0 ? "" : "a multiple of 8 bytes"; }

struct Row {
  DecoderTraits traits;
  DecoderFactory make;
};

constexpr bool kInjective = true;
constexpr bool kDecimal = true;

constexpr auto kTable = std::to_array<Row>({
    {{"cgroup", DecoderInput::kNumber, AnySize}, MakeOnHost<DecodeCgroup>},
    {{"dname", DecoderInput::kBytes, AnySize}, MakePlain<DecodeDname>},
    {{"errno", DecoderInput::kNumber, AnySize}, MakePlain<DecodeErrno>},
    {{"hex", DecoderInput::kBytes, AnySize, kInjective}, MakePlain<DecodeHex>},
    {{"ifname", DecoderInput::kBytes, AtLeast4}, MakeOnHost<DecodeIfname>},
    {{"inet_ip", DecoderInput::kBytes, AnySize, kInjective}, MakePlain<DecodeInetIp>},
    {{"kstack", DecoderInput::kBytes, MultipleOf8}, MakeOnHost<DecodeKstack>},
    {{"ksym", DecoderInput::kBytes, AtLeast8}, MakeOnHost<DecodeKsym>},
    {{"majorminor", DecoderInput::kBytes, AtLeast4}, MakeOnHost<DecodeMajorminor>},
    {{"pci_class", DecoderInput::kNumber, AnySize}, MakeOnHost<DecodePciClass>},
    {{"pci_device", DecoderInput::kNumber, AnySize}, MakeOnHost<DecodePciDevice>},
    {{"pci_subclass", DecoderInput::kNumber, AnySize}, MakeOnHost<DecodePciSubclass>},
    {{"pci_vendor", DecoderInput::kNumber, AnySize}, MakeOnHost<DecodePciVendor>},
    {{"regexp", DecoderInput::kText, AnySize}, MakeRegexp},
    {{"static_map", DecoderInput::kText, AnySize}, MakeStaticMap},
    {{"string", DecoderInput::kBytes, AnySize}, MakePlain<DecodeString>},
    {{"syscall", DecoderInput::kNumber, AnySize}, MakePlain<DecodeSyscall>},
    {{"uint", DecoderInput::kBytes, NumberSize, kInjective, kDecimal}, MakePlain<DecodeUint>},
});

const Row* FindRow(std::string_view name) {
  const auto found =
      std::ranges::find(kTable, name, [](const Row& row) { return row.traits.name; });
  return found == kTable.end() ? nullptr : &*found;
}

}  // namespace

std::unexpected<Error> InvalidInput(std::string message) {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, std::move(message)});
}

std::vector<std::string_view> DecoderNames() {
  std::vector<std::string_view> names;
  for (const Row& row : kTable) names.push_back(row.traits.name);
  return names;
}

const DecoderTraits* FindDecoder(std::string_view name) {
  const Row* row = FindRow(name);
  return row == nullptr ? nullptr : &row->traits;
}

Result<std::unique_ptr<Decoder>> MakeDecoder(const DecoderPlan& config, HostTables& tables) {
  if (const Row* row = FindRow(config.name)) return row->make(config, tables);
  return InvalidInput(fmt::format("unknown decoder {}{}", Quoted(config.name),
                                  DidYouMean(config.name, DecoderNames())));
}

Result<DecoderChain> DecoderChain::Make(const std::vector<DecoderPlan>& configs,
                                        HostTables& tables) {
  if (configs.empty()) return InvalidInput("a label needs at least one decoder");
  DecoderChain chain;
  for (const DecoderPlan& config : configs) {
    auto decoder = MakeDecoder(config, tables);
    if (!decoder) return std::unexpected(decoder.error());
    chain.decoders_.push_back(std::move(*decoder));
  }
  if (configs.size() == 1) {
    chain.injective_ = FindDecoder(configs[0].name)->injective;
    chain.is_decimal_ = FindDecoder(configs[0].name)->is_decimal;
  }
  return chain;
}

Result<Decoder::Verdict> DecoderChain::Decode(std::string_view input, std::string& out,
                                              std::string& scratch) {
  for (size_t i = 0; i < decoders_.size(); ++i) {
    if (i > 0) {
      scratch.swap(out);
      input = scratch;
    }
    const auto verdict = decoders_[i]->Decode(input, out);
    if (!verdict || *verdict == Decoder::Verdict::kDrop) return verdict;
  }
  return Decoder::Verdict::kKeep;
}

}  // namespace bpftally
