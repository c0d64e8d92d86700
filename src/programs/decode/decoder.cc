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

template <PlainDecode kDecode, bool kInjective>
class Plain final : public Decoder {
 public:
  DecoderResult Decode(std::string_view input, std::string& out) override {
    return kDecode(input, out);
  }
  bool injective() const override { return kInjective; }
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

template <PlainDecode kDecode, bool kInjective = false>
Result<std::unique_ptr<Decoder>> MakePlain(const DecoderPlan&, HostTables&) {
  return std::make_unique<Plain<kDecode, kInjective>>();
}

template <HostDecode kDecode>
Result<std::unique_ptr<Decoder>> MakeOnHost(const DecoderPlan&, HostTables& tables) {
  return std::make_unique<OnHost<kDecode>>(tables);
}

struct NamedFactory {
  std::string_view name;
  DecoderFactory make;
};

constexpr auto kDecoders = std::to_array<NamedFactory>({
    {"cgroup", MakeOnHost<DecodeCgroup>},
    {"dname", MakePlain<DecodeDname>},
    {"errno", MakePlain<DecodeErrno>},
    {"hex", MakePlain<DecodeHex, true>},
    {"ifname", MakeOnHost<DecodeIfname>},
    {"inet_ip", MakePlain<DecodeInetIp, true>},
    {"kstack", MakeOnHost<DecodeKstack>},
    {"ksym", MakeOnHost<DecodeKsym>},
    {"majorminor", MakeOnHost<DecodeMajorminor>},
    {"pci_class", MakeOnHost<DecodePciClass>},
    {"pci_device", MakeOnHost<DecodePciDevice>},
    {"pci_subclass", MakeOnHost<DecodePciSubclass>},
    {"pci_vendor", MakeOnHost<DecodePciVendor>},
    {"regexp", MakeRegexp},
    {"static_map", MakeStaticMap},
    {"string", MakePlain<DecodeString>},
    {"syscall", MakePlain<DecodeSyscall>},
    {"uint", MakePlain<DecodeUint, true>},
});

}  // namespace

std::unexpected<Error> InvalidInput(std::string message) {
  return std::unexpected(Error{ErrorKind::kInvalid, 0, std::move(message)});
}

std::vector<std::string_view> DecoderNames() {
  std::vector<std::string_view> names;
  for (const NamedFactory& decoder : kDecoders) names.push_back(decoder.name);
  return names;
}

Result<std::unique_ptr<Decoder>> MakeDecoder(const DecoderPlan& config, HostTables& tables) {
  const auto found = std::ranges::find(kDecoders, config.name, &NamedFactory::name);
  if (found != kDecoders.end()) return found->make(config, tables);
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

// Texts of one decoder differ in size, so that it says nothing about those that follow it.
bool DecoderChain::injective() const { return decoders_.size() == 1 && decoders_[0]->injective(); }

}  // namespace bpftally
