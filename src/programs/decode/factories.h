#pragma once

// The functions and factories that the table in decoder.cc lists.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "programs/decode/decoder.h"
#include "programs/plan/plan.h"

namespace bpftally {

using DecoderResult = Result<Decoder::Verdict>;
using DecoderFactory = Result<std::unique_ptr<Decoder>> (*)(const DecoderPlan&, HostTables&);

// Decoders that need nothing but their input.
using PlainDecode = DecoderResult (*)(std::string_view input, std::string& out);
DecoderResult DecodeUint(std::string_view input, std::string& out);
DecoderResult DecodeString(std::string_view input, std::string& out);
DecoderResult DecodeHex(std::string_view input, std::string& out);
DecoderResult DecodeInetIp(std::string_view input, std::string& out);
DecoderResult DecodeDname(std::string_view input, std::string& out);
DecoderResult DecodeErrno(std::string_view input, std::string& out);
DecoderResult DecodeSyscall(std::string_view input, std::string& out);

// Decoders that look up names on this host.
using HostDecode = DecoderResult (*)(HostTables& tables, std::string_view input, std::string& out);
DecoderResult DecodeIfname(HostTables& tables, std::string_view input, std::string& out);
DecoderResult DecodeMajorminor(HostTables& tables, std::string_view input, std::string& out);
DecoderResult DecodeKsym(HostTables& tables, std::string_view input, std::string& out);
DecoderResult DecodeKstack(HostTables& tables, std::string_view input, std::string& out);
DecoderResult DecodeCgroup(HostTables& tables, std::string_view input, std::string& out);
DecoderResult DecodePciVendor(HostTables& tables, std::string_view input, std::string& out);
DecoderResult DecodePciDevice(HostTables& tables, std::string_view input, std::string& out);
DecoderResult DecodePciClass(HostTables& tables, std::string_view input, std::string& out);
DecoderResult DecodePciSubclass(HostTables& tables, std::string_view input, std::string& out);

Result<std::unique_ptr<Decoder>> MakeStaticMap(const DecoderPlan& config, HostTables& tables);
Result<std::unique_ptr<Decoder>> MakeRegexp(const DecoderPlan& config, HostTables& tables);

std::unexpected<Error> InvalidInput(std::string message);

// Parses decimal text with an optional sign, as the decoders after `uint` take it.
Result<int64_t> ParseInteger(std::string_view text);

// Loads a number from the front of raw bytes, in host order; fails with kInvalid if they are too
// short.
Result<uint64_t> LoadUint32(std::string_view bytes, std::string_view decoder);
Result<uint64_t> LoadUint64(std::string_view bytes, std::string_view decoder);

}  // namespace bpftally
