#!/usr/bin/env bash
# sudo tests/run.sh [--all-kernels]: installs what is missing, then builds and runs every test that this machine can
# run: the sanitizers' lanes, the fuzzers, virtual machines with other kernels, tests on a machine that stalls, a short
# soak, and last the main suite, on whose summary it ends. Each part has its time, so that nothing waits for ever on a
# kernel that hangs. What waits more than it works runs beside the guests, which do not.
#
#   FUZZ_SECONDS=60   for each fuzzer
#   STALLS=1          0: no suite is stalled at random, so that a new find does not fail a run by chance
#   TEST_MINUTES=0    once so many would be exceeded, the fuzzers, stalls and soak are left out, and counted as skipped;
#                     0: no limit
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

kernels=(--short --modes none,confidentiality 6.1) seconds_for_kernels=500
case "${1:-}" in
  '') ;;
  --all-kernels) kernels=(--all-kernels) seconds_for_kernels=9000 ;;
  *) echo "run.sh: unknown argument $1: --all-kernels" >&2; exit 2 ;;
esac
if (( EUID != 0 )); then
  echo "run.sh: run with sudo: it installs packages, and the tests load BPF programs" >&2
  exit 77
fi
deploy/install-packages.sh build test

# With the time since the start.
say() { printf '=== %d:%02d %s\n' $(( SECONDS / 60 )) $(( SECONDS % 60 )) "$*"; }

# Ends what takes longer, with all that it started.
within() {  # seconds, command…
  timeout --kill-after=20 "$@"
}

# From Debian, without the packages' services, which nobody here asked for.
fetch() {  # program, suite, package…
  command -v "$1" >/dev/null && return
  say "fetching ${*:3} into build/tools"
  within 300 tests/fetch.sh "$2" build/tools "${@:3}"
}

fetch_tools() {
  local suite
  suite=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
  export PATH="$PATH:$PWD/build/tools/usr/bin"
  fetch prometheus "$suite" prometheus || say "no prometheus here: its tests are skipped"
  # Debian 13 has it in a package of its own.
  fetch promtool "$suite" promtool || say "no promtool here: its tests are skipped"
  # Debian 12's own takes no OTLP yet.
  fetch victoria-metrics trixie victoria-metrics || fetch victoria-metrics sid victoria-metrics ||
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

build() {  # preset, directory, target…
  say "$2: building"
  [[ -f "$2/build.ninja" ]] || cmake --preset "$1" -B "$2" "${flags[@]}"
  within 2400 cmake --build "$2" --target "${@:3}"
}

# A share of the tests under a sanitizer.
sanitize() {  # preset, target…
  local log="build/$1/ctest.log" result=0
  build "$1" "build/$1" "${@:2}"
  say "$1: running"
  within 1200 ctest --preset "$1" -j "$(nproc)" --quiet -O "$log" || result=$?
  (( result == 0 )) && grep 'tests passed' "$log" && return
  cat "$log"
  failed+=("$1")
}

# Whether a part's time is left; if not, that is noted.
has_time() {  # name, seconds
  (( ${TEST_MINUTES:-0} > 0 && SECONDS + $2 > TEST_MINUTES * 60 )) || return 0
  skipped+=("$1: too little was left of TEST_MINUTES=$TEST_MINUTES")
  say "${skipped[-1]}"
  return 1
}

# Notes how a part went; what is skipped says why.
judge() {  # name, seconds, exit status
  case "$3" in
    0) ;;
    77) skipped+=("$1: $(grep -m 1 '^SKIP: ' "build/$1.log" | cut -c 7-)") ;;
    124 | 137) say "$1: ended after $2 seconds"; failed+=("$1") ;;
    *) failed+=("$1") ;;
  esac
}

# Part of the suite that may be left out.
part() {  # name, seconds it may take, command…
  local result=0
  has_time "$1" "$2" || return 0
  say "$1: running"
  within "${@:2}" 2>&1 | tee "build/$1.log" || result=${PIPESTATUS[0]}
  judge "$1" "$2" "$result"
}

# The same beside what comes next, until it is awaited.
start_part() {  # name, seconds it may take, command…
  has_time "$1" "$2" || return 0
  say "$1: starting"
  within "${@:2}" >"build/$1.log" 2>&1 &
  started[$1]=$!
}

await_part() {  # name, seconds as it was started with
  local result=0
  [[ -n "${started[$1]:-}" ]] || return 0
  say "$1: waiting for its end"
  wait "${started[$1]}" || result=$?
  cat "build/$1.log"
  judge "$1" "$2" "$result"
}

# Test by test, what a skipped one said that it lacks.
list_skips() {  # ctest's log of the tests' output
  awk '
    /^[0-9]+\/[0-9]+ Test: / { name = $3 }
    /: Skipped$/ { if ((getline reason) > 0) print name ": " reason }
    /^SKIP: / { print name ": " substr($0, 7) }
  ' "$1"
}

# Every test; its summary comes last of all.
run_main_suite() {
  say "the main suite: running"
  local log=build/tests/ctest.log
  set +e
  within 1500 ctest --test-dir build/tests -j "$(nproc)" --output-on-failure 2>&1 | tee "$log" |
    grep --line-buffered -vE '^ +Start |tests passed, '
  (( PIPESTATUS[0] == 0 )) || failed+=("the main suite")
  set -e
  mapfile -t -O "${#skipped[@]}" skipped < <(list_skips build/tests/Testing/Temporary/LastTest.log)
  say "skipped: ${#skipped[@]}"
  (( ${#skipped[@]} == 0 )) || printf '  %s\n' "${skipped[@]}"
  (( ${#failed[@]} == 0 )) || say "failed: ${failed[*]}"
  grep 'tests passed, ' "$log" || say "the main suite did not come to its end"
}

failed=()
skipped=()
declare -A started=()
flags=()
[[ -n "${CI:-}" ]] && flags+=(-DBPFTALLY_WERROR=ON)

fetch_tools
mount_if_absent tracefs /sys/kernel/tracing
mount_if_absent bpf /sys/fs/bpf
mount_if_absent securityfs /sys/kernel/security
sanitize asan all
sanitize tsan thread_tests
part fuzz $(( (${FUZZ_SECONDS:-60} + 20) * 10 / $(nproc) + 120 )) tests/fuzz/run.sh --build build/asan
build dev build/tests all
if [[ "${STALLS:-1}" == 1 ]]; then
  start_part stalls 600 tests/soak.sh --stalls --build build/tests
else
  skipped+=("stalls: left out by STALLS=$STALLS")
fi
part vm "$seconds_for_kernels" tests/vm/run.sh --build build/tests "${kernels[@]}"
await_part stalls 600
part soak 180 tests/soak.sh --build build/tests --short
run_main_suite
(( ${#failed[@]} == 0 ))
