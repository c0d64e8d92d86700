#!/usr/bin/env bash
# Greps the includes of src/ against the table of rooms: a folder may use only what its row says, and the row of the
# longest folder counts. First it shows on bad samples that it can fail.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

# What a room may use beside itself and base.
declare -A may_use=(
  [base]=""
  [yaml]=""
  [model]="yaml"
  [btf]=""
  [kernel]="model"
  [host]="model kernel"
  [census]="model btf kernel host"
  [programs/plan]="model"
  [programs/object]="btf kernel programs/plan"
  [programs/decode]="model host programs/plan"
  [programs/frontends]="model programs/plan programs/object programs/frontends/ebpf_exporter"
  [programs/frontends/ebpf_exporter]="yaml model programs/plan programs/object programs/decode programs/frontends"
  [programs/load]="kernel host programs/plan"
  [programs/read]="model kernel host programs/plan"
  [programs/evaluate]="model host programs/plan programs/decode programs/read"
  [programs/run]="model kernel host programs/plan programs/load programs/read programs/decode programs/evaluate"
  [collect]="model"
  [export]=""
  [export/prometheus]="model"
  [export/otlp]="model export"
  [http]=""
  [daemon]="model kernel host census programs/plan programs/frontends programs/load programs/read programs/evaluate
            programs/run collect export/otlp"
  [settings]="model census collect daemon export/prometheus export/otlp http"
  [web]="model collect daemon http export export/prometheus"
  [commands]="*"
  [main]="commands daemon"
)
# A library's headers, and which rooms may include them. What is not here (fmt, spdlog, the language's own) all may.
declare -A users_of=(
  [bpf/]="btf kernel census programs/object programs/load programs/read commands"
  [yaml-cpp/]="yaml model"
  [cxxopts]="settings"
  [curl/]="export/otlp"
  [google/]="export/otlp"
  [grpc]="export/otlp"
  [microhttpd]="http"
  [opentelemetry/]="export/otlp"
  [prometheus/]="export/prometheus"
  [re2/]="programs/plan programs/decode programs/load"
  [zlib]="export"
)
# Headers of system calls, and who may make them: the kernel's objects and the host are asked in kernel/ and host/ only.
# The others own sockets, threads, signals and files of this process.
system_headers='^(sys/|net/|netinet/|arpa/|unistd\.h|fcntl\.h|poll\.h|netdb\.h|syscall\.h|sched\.h|signal\.h|dirent\.h|mntent\.h|ifaddrs\.h)'
declare -A system_calls_of=(
  [base]="poll.h unistd.h"
  [kernel]="*"
  [host]="*"
  [export/otlp]="fcntl.h unistd.h"
  [http]="netdb.h netinet/in.h sys/socket.h"
  [daemon]="sys/capability.h sys/prctl.h sys/resource.h sys/socket.h sys/un.h unistd.h"
  [settings]="sys/utsname.h"
  [commands]="unistd.h"
)

has() { [[ " $1 " == *" $2 "* ]]; }

room_of() {  # path below the source folder: its longest folder that has a row, or its own where none has
  local folder=$1
  [[ "$folder" == */* ]] || { echo main; return; }
  folder=${folder%/*}
  local own=$folder
  while [[ -z "${may_use[$folder]+set}" ]]; do
    [[ "$folder" == */* ]] || { echo "$own"; return; }
    folder=${folder%/*}
  done
  echo "$folder"
}

allows() {  # row, word
  [[ "$1" == "*" ]] || has "$(tr -s '[:space:]' ' ' <<<"$1")" "$2"
}

breaches() {  # source folder: one line for each breach
  local file room other header library
  while IFS= read -r -d '' file; do
    room=$(room_of "${file#"$1"/}")
    if [[ -z "${may_use[$room]+set}" ]]; then
      echo "$file: the folder $room has no row in the table of rooms"
      continue
    fi
    while read -r header; do
      [[ "$header" == */* ]] || continue
      other=$(room_of "$header")
      if [[ "$other" != "$room" && "$other" != base ]] && ! allows "${may_use[$room]}" "$other"; then
        echo "$file: $room must not use $other ($header)"
      fi
    done < <(sed -nE 's/^#include "([^"]+)".*/\1/p' "$file")
    while read -r header; do
      for library in "${!users_of[@]}"; do
        if [[ "$header" == "$library"* ]] && ! has "${users_of[$library]}" "$room"; then
          echo "$file: $room must not include <$header>"
        fi
      done
      if [[ "$header" =~ $system_headers ]] && ! allows "${system_calls_of[$room]:-}" "$header"; then
        echo "$file: $room must not make system calls (<$header>): kernel/ and host/ do"
      fi
    done < <(sed -nE 's/^#include <([^>]+)>.*/\1/p' "$file")
  done < <(find "$1" \( -name '*.cc' -o -name '*.h' \) -print0)
}

must_find() {  # room, include line
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
must_find export/prometheus '"daemon/poller.h"'
must_find programs/plan '"programs/frontends/ebpf_exporter/v2_config.h"'
must_find programs/frontends/ebpf_exporter '"programs/run/program_table.h"'
must_find programs/frontends/newcomer '"kernel/bpf_sys.h"'
must_find collect '<bpf/bpf.h>'
must_find daemon '<microhttpd.h>'
must_find collect '<sys/stat.h>'
must_find programs/evaluate '<unistd.h>'
must_find programs/load '<sys/stat.h>'
must_find newcomer '"base/error.h"'

found=$(breaches "$root/src")
if [[ -n "$found" ]]; then
  echo "$found"
  exit 1
fi
echo "every include of src/ keeps to the rooms"
