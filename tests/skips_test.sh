#!/usr/bin/env bash
# skips_test.sh PATTERN: what ctest makes of GoogleTest's last lines, where PATTERN is its SKIP_REGULAR_EXPRESSION: a
# test that was skipped is skipped, and one that was skipped in a suite whose tear-down fails has failed.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

pretend() {  # name, exit status, last lines
  printf '%b' "[ RUN      ] A.B\nreason: Skipped\n[  SKIPPED ] A.B (0 ms)\n$3" >"$folder/$1"
  cat >>"$folder/CTestTestfile.cmake" <<END
add_test($1 sh -c "cat '$folder/$1'; exit $2")
set_tests_properties($1 PROPERTIES SKIP_REGULAR_EXPRESSION [==[$pattern]==])
END
}

expect() {  # name, outcome
  grep -qE " $1 \.+ *(\*\*\*)?$2" <<<"$said" || { printf '%s is not "%s":\n%s\n' "$1" "$2" "$said"; exit 1; }
}

pattern=$1
summary="[  PASSED  ] 0 tests.\n[  SKIPPED ] 1 test, listed below:\n[  SKIPPED ] A.B\n"
pretend skipped 0 "$summary"
pretend torn_down_badly 1 "$summary[  FAILED  ] 0 tests, listed below:\n[  FAILED  ] A: SetUpTestSuite or TearDownTestSuite\n\n 1 FAILED TEST SUITE\n"
pretend leaking 1 "$summary\n==1==ERROR: LeakSanitizer: detected memory leaks\n"
pretend passing 0 "[       OK ] A.C (0 ms)\n[  PASSED  ] 1 test.\n"
said=$(ctest --test-dir "$folder" 2>&1) && { printf 'nothing failed:\n%s\n' "$said"; exit 1; }
expect skipped Skipped
expect torn_down_badly Failed
expect leaking Failed
expect passing Passed
