#!/usr/bin/env bash
# Greps the includes of src/ against the layers' table: a folder may use only what its row says.
# First it shows on bad samples that it can fail.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

declare -A may_use=(
  [base]="base"
  [model]="base model"
  [kernel]="base model kernel"
  [config]="base model config"
  [collect]="base model collect"
  [programs]="base model config kernel programs"
  [export]="base model export"
  [daemon]="base model kernel config collect programs export daemon"
)
# A library's headers, and who may include them. What is not here (fmt, spdlog, the system's) all may.
declare -A users_of=(
  [bpf/]="kernel programs daemon"
  [yaml-cpp/]="model config"
  [cxxopts]="daemon"
  [curl/]="export"
  [google/]="export"
  [grpc]="export"
  [microhttpd]="export"
  [opentelemetry/]="export"
  [prometheus/]="export"
  [re2/]="programs"
  [zlib]="export"
)

has() { [[ " $1 " == *" $2 "* ]]; }

breaches() {  # source folder: one line for each breach
  local file layer header library
  while IFS= read -r -d '' file; do
    layer=${file#"$1"/}
    [[ "$layer" == */* ]] && layer=${layer%%/*} || layer=daemon  # main.cc
    if [[ -z "${may_use[$layer]:-}" ]]; then
      echo "$file: the folder $layer has no row in the table of layers"
      continue
    fi
    while read -r header; do
      if [[ "$header" == */* ]] && ! has "${may_use[$layer]}" "${header%%/*}"; then
        echo "$file: $layer must not use ${header%%/*} ($header)"
      fi
    done < <(sed -nE 's/^#include "([^"]+)".*/\1/p' "$file")
    while read -r header; do
      for library in "${!users_of[@]}"; do
        if [[ "$header" == "$library"* ]] && ! has "${users_of[$library]}" "$layer"; then
          echo "$file: $layer must not include <$header>"
        fi
      done
    done < <(sed -nE 's/^#include <([^>]+)>.*/\1/p' "$file")
  done < <(find "$1" \( -name '*.cc' -o -name '*.h' \) -print0)
}

must_find() {  # layer, include line
  local sample
  sample=$(mktemp -d)
  mkdir -p "$sample/$1"
  echo "#include $2" >"$sample/$1/sample.cc"
  local found
  found=$(breaches "$sample")
  rm -r "$sample"
  if [[ -z "$found" ]]; then
    echo "the check is blind: it let $1 include $2"
    exit 1
  fi
}
must_find base '"model/snapshot.h"'
must_find collect '"kernel/bpf_sys.h"'
must_find export '"daemon/poller.h"'
must_find collect '<bpf/bpf.h>'
must_find daemon '<microhttpd.h>'
must_find newcomer '"base/error.h"'

found=$(breaches "$root/src")
if [[ -n "$found" ]]; then
  echo "$found"
  exit 1
fi
echo "every include of src/ keeps to the layers"
