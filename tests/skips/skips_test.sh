#!/usr/bin/env bash
# skips_test.sh SAMPLE: with the pattern that CMake's gtest_discover_tests gives to ctest, a test that was skipped is
# skipped, and one that was skipped in a suite whose tear-down fails has failed.
set -euo pipefail
sample=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

for name in Good.Skips Good.Passes Bad.Skips; do
  cat >>"$folder/CTestTestfile.cmake" <<END
add_test($name [==[$sample]==] --gtest_filter=$name)
set_tests_properties($name PROPERTIES SKIP_REGULAR_EXPRESSION [==[\[  SKIPPED \]]==])
END
done

expect() {  # name, outcome
  grep -qE " $1 \.+ *(\*\*\*|Subprocess )*$2" <<<"$said" || { printf '%s is not "%s":\n%s\n' "$1" "$2" "$said"; exit 1; }
}

said=$(ctest --test-dir "$folder" 2>&1) && { printf 'nothing failed:\n%s\n' "$said"; exit 1; }
expect Good.Skips Skipped
expect Good.Passes Passed
expect Bad.Skips aborted
