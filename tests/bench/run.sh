#!/usr/bin/env bash
# sudo tests/bench/run.sh [--quick] [--readme] [--built DIR] [OUTPUT]: measures the costs of bpftally and prints them as
# a Markdown table.
#   --quick      small sizes and few rounds: tests the tools rather than measuring
#   --readme     put the table into README.md
#   --built DIR  measure the build in DIR; default: build and measure build/bench
#   OUTPUT       the file to write; default: standard output
# Takes a quarter of an hour. The machine should do nothing else meanwhile.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

skip() {
  echo "SKIP: $1" >&2
  exit 77
}

die() {
  echo "run.sh: $1" >&2
  exit 2
}

build() {
  deploy/install-packages.sh build test
  [[ -f "$built/build.ninja" ]] ||
    cmake -B "$built" -G Ninja -DCMAKE_BUILD_TYPE=Release -DBPFTALLY_TESTS=OFF -DBPFTALLY_BENCH=ON
  cmake --build "$built" --target bench_tools
}

# Replaces what is between the two comments.
write_readme() {  # table
  awk -v table="$1" '
    /<!-- bench: / { print; print ""; while ((getline line <table) > 0) print line; print ""; skip = 1 }
    /<!-- end of bench -->/ { skip = 0 }
    !skip
  ' README.md >"$1.readme"
  cat "$1.readme" >README.md
}

(( EUID == 0 )) || skip "needs root: programs and maps are made to be measured"

options=() built=build/bench build=1 readme=0 output=/dev/stdout
while (( $# > 0 )); do
  case "$1" in
    --quick) options+=(--quick) ;;
    --readme) readme=1 ;;
    --built) built=${2:?--built needs a folder} build=0; shift ;;
    -*) die "unknown flag $1: --quick, --readme, --built DIR" ;;
    *) output=$1 ;;
  esac
  shift
done

if (( build )); then build >&2; fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
PATH=$PATH:/usr/sbin python3 -B tests/bench/table.py "$built" "${options[@]}" >"$scratch/table"
if (( readme )); then write_readme "$scratch/table"; fi
cat "$scratch/table" >"$output"
