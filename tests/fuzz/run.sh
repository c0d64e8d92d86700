#!/usr/bin/env bash
# tests/fuzz/run.sh [--build DIR] [SECONDS]: runs each fuzzer for so long (FUZZ_SECONDS, else 60), as many side by side as
# there are CPUs. They run without privilege and without a network. What they find is kept in DIR/fuzz-finds. FUZZ_SEED:
# the same inputs each time, for who must not be surprised.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

build=build/asan
if [[ "${1:-}" == --build ]]; then
  build=$2
  shift 2
fi
seconds=${1:-${FUZZ_SECONDS:-60}}
finds=$build/fuzz-finds
[[ -f "$build/build.ninja" ]] || cmake --preset asan -B "$build"
cmake --build "$build" --target fuzzers

# All that a fuzzer needs lies in a folder of its own: whoever it runs as may not see the tree.
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
alone=()
if (( EUID == 0 )); then
  alone=(unshare --net setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs)
fi

prepare() {  # name
  local folder=$work/$1
  mkdir -p "$folder"/{corpus,finds}
  cp "$build/tests/fuzz/$1_fuzz" "$folder/fuzzer"
  find "tests/fuzz/corpus/$1" "$build/tests/fuzz/seeds/$1" -type f -exec cp -t "$folder/corpus" {} +
}

run() {  # name
  cd "$work/$1"
  "${alone[@]}" ./fuzzer -max_total_time="$seconds" -seed="${FUZZ_SEED:-0}" -timeout=10 -rss_limit_mb=2048 -max_len=16384 \
    -print_funcs=0 -print_final_stats=1 -artifact_prefix=finds/ corpus >log 2>&1
}

report() {  # name, exit status
  local log=$work/$1/log find
  if (( $2 == 0 )); then
    echo "$1: $(awk '/^stat::number_of_executed_units/ {print $2}' "$log") inputs, nothing found"
    return
  fi
  mkdir -p "$finds"
  grep -vE '^(#|INFO:)' "$log" | tail -n 60
  for find in "$work/$1"/finds/*; do
    [[ -e "$find" ]] || continue
    cp "$find" "$finds/$1-${find##*/}"
    echo "$1: found something; to run it again: $build/tests/fuzz/$1_fuzz $finds/$1-${find##*/}"
  done
  echo "$1: FAILED (exit status $2)"
}

names=()
for fuzzer in tests/fuzz/*_fuzz.cc; do
  name=$(basename "$fuzzer" _fuzz.cc)
  [[ -x "$build/tests/fuzz/${name}_fuzz" ]] || continue  # built without OTLP
  names+=("$name")
  prepare "$name"
done
if (( EUID == 0 )); then chown -R 65534:65534 "$work"; fi
chmod 711 "$work"

echo "fuzzing ${names[*]}: $seconds seconds each, $(nproc) at once"
failed=0
declare -A running=()
finish_one() {
  local pid status=0
  wait -n -p pid || status=$?
  report "${running[$pid]}" "$status"
  unset "running[$pid]"
  (( status == 0 )) || failed=1
}
for name in "${names[@]}"; do
  (( ${#running[@]} < $(nproc) )) || finish_one
  run "$name" &
  running[$!]=$name
done
while (( ${#running[@]} > 0 )); do finish_one; done
exit "$failed"
