#!/usr/bin/env bash
# sudo tests/run.sh: installs what is missing, then builds and runs every test that this machine can
# run: first the sanitizers' share, last the main suite, on whose summary it ends.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (( EUID != 0 )); then
  echo "run.sh: run with sudo: it installs packages, and the tests load BPF programs" >&2
  exit 77
fi
deploy/install-packages.sh build test

say() { echo "=== $*"; }

# Prometheus and promtool without the package's service, which nobody here asked for. Debian 13 has promtool in a
# package of its own.
fetch_prometheus() {
  export PATH="$PATH:$PWD/build/tools/usr/bin"
  command -v prometheus >/dev/null && command -v promtool >/dev/null && return
  say "fetching prometheus into build/tools"
  mkdir -p build/tools
  (
    cd build/tools && apt-get update -q
    packages=(prometheus)
    apt-cache show promtool >/dev/null 2>&1 && packages+=(promtool)
    apt-get -q -o APT::Sandbox::User=root download "${packages[@]}" &&
      for package in *.deb; do dpkg -x "$package" .; done
  ) || say "no prometheus here: its tests are skipped"
}

# Debian 12's own takes no OTLP yet.
fetch_victoria_metrics() {
  [[ -x build/tools/usr/bin/victoria-metrics ]] && return
  say "fetching victoria-metrics into build/tools"
  tests/fetch.sh trixie build/tools victoria-metrics || tests/fetch.sh sid build/tools victoria-metrics ||
    say "no victoria-metrics here: its test is skipped"
}

mount_if_absent() {  # type, directory
  mountpoint -q "$2" && return
  if mount -t "$1" "$1" "$2" 2>/dev/null; then
    say "mounted $1 on $2"
  else
    say "cannot mount $1 on $2: tests that need it are skipped"
  fi
}

configure() {  # preset, directory
  [[ -f "$2/build.ninja" ]] || cmake --preset "$1" -B "$2" "${flags[@]}"
}

# A share of the tests under a sanitizer.
sanitize() {  # preset, target…
  say "$1: building"
  configure "$1" "build/$1"
  cmake --build "build/$1" --target "${@:2}"
  say "$1: running"
  ctest --preset "$1" -j "$(nproc)" --quiet -O "build/$1/ctest.log" && result=0 || result=$?
  (( result == 0 )) && grep 'tests passed' "build/$1/ctest.log" && return
  cat "build/$1/ctest.log"
  failed+=("$1")
}

# Test by test, what a skipped one said that it lacks.
list_skips() {  # ctest's log of the tests' output
  awk '
    /^[0-9]+\/[0-9]+ Test: / { name = $3 }
    /: Skipped$/ { if ((getline reason) > 0) print "  " name ": " reason }
    /^SKIP: / { print "  " name ": " substr($0, 7) }
  ' "$1"
}

# Every test; its summary comes last of all.
run_main_suite() {
  say "the main suite: building"
  configure dev build/tests
  cmake --build build/tests
  say "the main suite: running"
  local log=build/tests/ctest.log skips
  set +e
  ctest --test-dir build/tests -j "$(nproc)" --output-on-failure 2>&1 | tee "$log" |
    grep --line-buffered -vE '^ +Start |tests passed, '
  (( PIPESTATUS[0] == 0 )) || failed+=("the main suite")
  set -e
  skips=$(list_skips build/tests/Testing/Temporary/LastTest.log)
  say "skipped: $(grep -c . <<<"$skips" || true)"
  [[ -z "$skips" ]] || echo "$skips"
  (( ${#failed[@]} == 0 )) || say "failed: ${failed[*]}"
  grep 'tests passed, ' "$log"
}

failed=()
flags=()
[[ -n "${CI:-}" ]] && flags+=(-DBPFTALLY_WERROR=ON)

fetch_prometheus
fetch_victoria_metrics
mount_if_absent tracefs /sys/kernel/tracing
mount_if_absent bpf /sys/fs/bpf
mount_if_absent securityfs /sys/kernel/security
sanitize asan unit_tests
sanitize tsan daemon_test http_server_test otlp_pusher_test
run_main_suite
(( ${#failed[@]} == 0 ))
