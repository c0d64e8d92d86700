#!/usr/bin/env bash
# tests/coverage.sh [DIR [ctest's flags …]]: builds with counters into DIR (build/coverage), runs every test, and prints
# how much of src/ ran, file by file. Fails under 90 % of the lines. With root, as tests/run.sh; `-LE privileged` leaves
# out what needs it.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
build=${1:-build/coverage}

command -v gcovr >/dev/null || apt-get -q -y install gcovr
[[ -f "$build/build.ninja" ]] || cmake --preset coverage -B "$build"
cmake --build "$build"
find "$build" -name '*.gcda' -delete
ctest --test-dir "$build" -j "$(nproc)" --output-on-failure "${@:2}" && result=0 || result=$?
gcovr --root . --filter src/ --object-directory "$build" --sort-percentage --print-summary --fail-under-line 90 "$build"
exit "$result"
