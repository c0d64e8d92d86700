#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "programs/plan/plan.h"

namespace bpftally {

class HostTables;

// Turns bytes, or what the decoder before it made of them, into text. One thread.
class Decoder {
 public:
  enum class Verdict {
    kKeep,
    kDrop,  // the series is not wanted
  };

  Decoder() = default;
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  virtual ~Decoder() = default;

  // Replaces `out`. Never throws, whatever the input; errors are kInvalid.
  virtual Result<Verdict> Decode(std::string_view input, std::string& out) = 0;

  // Two inputs of one size never give the same text: nothing can fall together.
  virtual bool injective() const { return false; }
};

// The names of all decoders, for "did you mean".
std::vector<std::string_view> DecoderNames();

// kInvalid for an unknown name, or a configuration that does not do (a bad regular expression).
// `tables` must outlive it.
Result<std::unique_ptr<Decoder>> MakeDecoder(const DecoderPlan& config, HostTables& tables);

// The decoders of one label, one after another.
class DecoderChain {
 public:
  static Result<DecoderChain> Make(const std::vector<DecoderPlan>& configs, HostTables& tables);

  // `scratch` saves allocations; the text is in `out`.
  Result<Decoder::Verdict> Decode(std::string_view input, std::string& out, std::string& scratch);
  bool injective() const;

 private:
  std::vector<std::unique_ptr<Decoder>> decoders_;
};

}  // namespace bpftally
