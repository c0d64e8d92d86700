#pragma once

// Decoders turn the bytes of a field into a label's text, one after another. To add one:
//
// 1. Write its function in the file of what it needs: bytes.cc (nothing else), text.cc (the text of
//    the decoder before it), host.cc (names of this host), and declare it in factories.h. It never
//    throws, whatever the bytes are, and its errors say what was expected.
// 2. Add its row to the table in decoder.cc. Checks of configurations, "did you mean", the fast
//    path of evaluators and the fuzzers read it from there.
// 3. Add a table of inputs and texts to tests/programs/decode/decoder_test.cc.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "programs/plan/plan.h"

namespace bpftally {

class HostTables;

// Turns bytes, or the text of the decoder before it, into text. For use by one thread.
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
};

// Names what a decoder reads.
enum class DecoderInput : uint8_t {
  kBytes,
  kText,    // bytes that are text are accepted, too
  kNumber,  // a number as text; raw bytes are not accepted
};

// Facts about a decoder, found by its name.
struct DecoderTraits {
  std::string_view name;
  DecoderInput input = DecoderInput::kBytes;
  // Returns what the first decoder of a field demands of the field's size; empty if this size is
  // fine.
  std::string_view (*size_demand)(uint64_t size) = nullptr;
  bool injective = false;   // two inputs of one size never give the same text
  bool is_decimal = false;  // its text is the number in the bytes
};

// Returns null for an unknown name.
const DecoderTraits* FindDecoder(std::string_view name);

// Returns the names of all decoders, for "did you mean".
std::vector<std::string_view> DecoderNames();

// Fails with kInvalid for an unknown name or an unusable configuration (a bad regular expression).
// `tables` must outlive the decoder.
Result<std::unique_ptr<Decoder>> MakeDecoder(const DecoderPlan& config, HostTables& tables);

// The decoders of one label, one after another.
class DecoderChain {
 public:
  static Result<DecoderChain> Make(const std::vector<DecoderPlan>& configs, HostTables& tables);

  // Puts the text into `out`; `scratch` saves allocations.
  Result<Decoder::Verdict> Decode(std::string_view input, std::string& out, std::string& scratch);

  // Returns whether different inputs always give different texts. Only a single decoder can be sure
  // of that: texts of one decoder differ in size, so a second one may make equal what the first
  // tells apart.
  bool injective() const { return injective_; }
  bool is_decimal() const { return is_decimal_; }

 private:
  std::vector<std::unique_ptr<Decoder>> decoders_;
  bool injective_ = false;
  bool is_decimal_ = false;
};

}  // namespace bpftally
