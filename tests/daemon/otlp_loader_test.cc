#include "daemon/otlp_loader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace bpftally {
namespace {

using testing::HasSubstr;

Error ErrorOf(const std::string& module) {
  const auto pusher = LoadOtlpPusher(module, {}, SystemClock());
  EXPECT_FALSE(pusher);
  return pusher ? Error{} : pusher.error();
}

TEST(OtlpLoader, SaysWhichModuleCannotBeLoaded) {
  const Error error = ErrorOf("/nonexistent/module.so");
  EXPECT_EQ(error.kind, ErrorKind::kUnsupported);
  EXPECT_THAT(error.message, HasSubstr("/nonexistent/module.so"));
}

TEST(OtlpLoader, RefusesALibraryThatIsNone) {
  EXPECT_THAT(ErrorOf("libc.so.6").message, HasSubstr("is not bpftally's OTLP module"));
}

// This test program is not where bpftally is.
TEST(OtlpLoader, SaysWhereItLooked) {
  const auto module = FindOtlpModule();
  ASSERT_FALSE(module);
  EXPECT_EQ(module.error().kind, ErrorKind::kUnsupported);
  EXPECT_THAT(module.error().message, testing::AnyOf(HasSubstr("/tests/daemon/libbpftally-otlp.so"),
                                                     HasSubstr("BPFTALLY_OTLP=OFF")));
}

}  // namespace
}  // namespace bpftally
