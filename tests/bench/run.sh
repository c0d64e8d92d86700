#!/usr/bin/env bash
# sudo tests/bench/run.sh [--quick] [--docs] [--built DIR] [OUTPUT]: what bpftally costs, as one table in Markdown.
#   --quick      small sizes and few rounds: shows that it works, not what it costs
#   --docs       put the table into docs/costs.md
#   --built DIR  measure what is built there; else build/bench is built
#   OUTPUT       the file to write; standard output otherwise
# A quarter of an hour, on a machine that does nothing else meanwhile.
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

# Between the two comments, whatever is there now.
write_docs() {  # table
  awk -v table="$1" '
    /<!-- bench: / { print; print ""; while ((getline line <table) > 0) print line; print ""; skip = 1 }
    /<!-- end of bench -->/ { skip = 0 }
    !skip
  ' docs/costs.md >"$1.page"
  cat "$1.page" >docs/costs.md
}

(( EUID == 0 )) || skip "needs root: programs and maps are made to be measured"

options=() built=build/bench build=1 docs=0 output=/dev/stdout
while (( $# > 0 )); do
  case "$1" in
    --quick) options+=(--quick) ;;
    --docs) docs=1 ;;
    --built) built=${2:?--built needs a folder} build=0; shift ;;
    -*) die "unknown flag $1: --quick, --docs, --built DIR" ;;
    *) output=$1 ;;
  esac
  shift
done

if (( build )); then build >&2; fi
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
PATH=$PATH:/usr/sbin python3 -B tests/bench/table.py "$built" "${options[@]}" >"$scratch/table"
if (( docs )); then write_docs "$scratch/table"; fi
cat "$scratch/table" >"$output"
