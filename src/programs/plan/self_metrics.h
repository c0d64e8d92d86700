#pragma once

// Names, after a format's prefix, of the families about metric programs themselves.

#include <array>
#include <string_view>

namespace bpftally {

inline constexpr std::string_view kEnabledConfigs = "enabled_configs";
inline constexpr std::string_view kProgramInfo = "ebpf_program_info";
inline constexpr std::string_view kProgramAttached = "ebpf_program_attached";
inline constexpr std::string_view kProgramRunTime = "ebpf_program_run_time_seconds";
inline constexpr std::string_view kProgramRunCount = "ebpf_program_run_count_total";
inline constexpr std::string_view kDecoderErrors = "decoder_errors_total";

inline constexpr std::array kSelfMetrics = {kEnabledConfigs, kProgramInfo,     kProgramAttached,
                                            kProgramRunTime, kProgramRunCount, kDecoderErrors};

}  // namespace bpftally
