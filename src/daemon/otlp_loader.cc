#include "daemon/otlp_loader.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "export/otlp/otlp_module.h"

namespace bpftally {
namespace {

std::unexpected<Error> Unsupported(std::string message) {
  return std::unexpected(Error{ErrorKind::kUnsupported, 0, std::move(message)});
}

}  // namespace

// Searches by itself, because dlopen() uses the RUNPATH of its caller, which under a sanitizer is
// not bpftally, and LD_LIBRARY_PATH.
Result<std::string> FindOtlpModule() {
  if (!BPFTALLY_HAS_OTLP)
    return Unsupported("this bpftally has no OTLP: it was built with -DBPFTALLY_OTLP=OFF");
  std::error_code error;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", error);
  if (error) return Unsupported(fmt::format("/proc/self/exe: {}", error.message()));
  const auto beside = program.parent_path() / kOtlpModuleFile;
  const auto installed =
      (program.parent_path() / BPFTALLY_MODULE_DIRECTORY / kOtlpModuleFile).lexically_normal();
  for (const auto& path : {beside, installed}) {
    if (std::filesystem::exists(path, error)) return path.string();
  }
  return Unsupported(fmt::format(
      "OTLP needs the module {}, which is neither at {} nor at {}: install bpftally whole",
      kOtlpModuleFile, beside.string(), installed.string()));
}

Result<std::unique_ptr<OtlpPusher>> LoadOtlpPusher(const std::string& module,
                                                   const OtlpOptions& options, const Clock& clock) {
  void* handle = dlopen(module.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr)
    return Unsupported(fmt::format("cannot load the OTLP module: {}", dlerror()));
  const auto function = reinterpret_cast<OtlpModuleFunction*>(dlsym(handle, kOtlpModuleSymbol));
  if (function == nullptr)
    return Unsupported(fmt::format("{} is not bpftally's OTLP module", module));
  const OtlpModule& found = *function();
  if (found.build != std::string_view(kOtlpModuleBuild))
    return Unsupported(fmt::format("{} is of another build than bpftally: {}, not {}", module,
                                   found.build, kOtlpModuleBuild));
  auto pusher = found.make_pusher(options, clock);
  if (!pusher) return std::unexpected(Wrap(std::move(pusher.error()), "OTLP"));
  return pusher;
}

}  // namespace bpftally
