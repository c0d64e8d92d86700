// BTF that somebody loaded into the kernel: any bytes, asked for names of types and maps.

#include <linux/bpf.h>

#include <cstring>
#include <string>

#include "census/btf_names.h"
#include "fuzz/fuzz_check.h"
#include "fuzz/fuzz_input.h"
#include "kernel/fake_bpf_sys.h"

namespace bpftally {
namespace {

constexpr uint32_t kBtfId = 7;
constexpr uint32_t kTypes = 64;

void Check(FuzzInput input) {
  const std::string short_name(input.Text(BPF_OBJ_NAME_LEN - 1));
  const auto key_type = static_cast<uint32_t>(input.Below(kTypes));
  const auto value_type = static_cast<uint32_t>(input.Below(kTypes));
  const std::string_view bytes = input.Take(SIZE_MAX);
  FakeBpfSys sys;
  FakeBtf& types = sys.btf[kBtfId];
  types.data.resize(bytes.size());
  if (!bytes.empty()) std::memcpy(types.data.data(), bytes.data(), bytes.size());

  BtfNames names(sys);
  const auto map = names.MapName(kBtfId, {short_name, key_type, value_type});
  if (map) Require(map->empty() || map->starts_with(short_name), "it is this map's name", *map);
  for (uint32_t type = 0; type < kTypes; ++type) (void)names.TypeName(kBtfId, type);
}

}  // namespace
}  // namespace bpftally

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  bpftally::Check({data, size});
  return 0;
}
