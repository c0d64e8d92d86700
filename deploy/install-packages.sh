#!/usr/bin/env bash
# install-packages.sh PURPOSE…: installs with apt what is missing to "build" or to "test".
# When nothing is missing it only asks dpkg, which is quick.
set -euo pipefail

build=(bpftool clang cmake g++ git libbpf-dev libcap-dev libcurl4-openssl-dev libcxxopts-dev
       libelf-dev libfmt-dev libgrpc++-dev libmicrohttpd-dev libopentelemetry-proto-dev
       libprotobuf-dev libre2-dev libspdlog-dev libyaml-cpp-dev linux-libc-dev ninja-build
       pkg-config prometheus-cpp-dev zlib1g-dev)
test=(busybox-static clang-19 clang-format-19 cpio curl e2fsprogs iproute2 libbenchmark-dev
      libcap2-bin libclang-rt-19-dev libgmock-dev libgtest-dev openssl podman python3 python3-yaml
      qemu-system-x86 runc util-linux xz-utils)

# Debian 12's own versions of these are too old: they come from its backports, from these versions on.
declare -A backported=([bpftool]=7.5 [libbpf-dev]=1:1.4 [libbpf1]=1:1.4 [linux-libc-dev]=6.12
                       [libopentelemetry-proto-dev]=1.5)
suite=""

say() { echo "install-packages: $*" >&2; }

die() {
  say "$*"
  exit 1
}

new_enough() {  # package version
  [[ -z "$suite" || -z "${backported[$1]:-}" ]] ||
    dpkg --compare-versions "$2" ge "${backported[$1]}"
}

missing() {  # package…: prints those that are not installed, or too old
  local -A found=()
  local name version status
  while read -r name version status; do
    [[ "$status" == installed ]] && found[$name]=$version
  done < <(dpkg-query -W -f '${Package} ${Version} ${db:Status-Status}\n' "$@" 2>/dev/null || true)
  for name in "$@"; do
    if [[ -z "${found[$name]:-}" ]] || ! new_enough "$name" "${found[$name]}"; then
      echo "$name"
    fi
  done
}

# Prints the machine's own source of Debian with another suite: same mirror, same key.
derive_from_stanzas() {  # file…: deb822
  awk -v RS= -v code="$VERSION_CODENAME" -v suite="$suite" '
    $0 ~ "(^|\n)Suites:([^\n]* )?" code "( |\n|$)" && $0 ~ "(^|\n)Components:[^\n]*main" &&
    $0 !~ "(^|\n)Enabled: *no" {
      count = split($0, lines, "\n")
      for (i = 1; i <= count; ++i) {
        if (lines[i] ~ /^#/) continue
        print lines[i] ~ /^Suites:/ ? "Suites: " suite : lines[i]
      }
      exit
    }' /dev/null "$@"
}

derive_from_lines() {  # file…: in one-line format
  sed -nE "s/^(deb[[:space:]]+(\[[^]]*\][[:space:]]+)?[^[:space:]]+)[[:space:]]+$VERSION_CODENAME([[:space:]].*main.*)$/\1 $suite\3/p" \
    /dev/null "$@" | head -n 1
}

add_backports() {
  local sources=/etc/apt/sources.list.d derived
  shopt -s nullglob
  local stanzas=("$sources"/debian[.]sources "$sources"/*.sources)  # the brackets make it a glob, so that it is left out if it does not exist
  local lines=(/etc/apt/sources.list "$sources"/*.list)
  shopt -u nullglob
  if grep -qsE "^[^#]*[[:space:]]$suite([[:space:]]|\$)" /dev/null "${stanzas[@]}" "${lines[@]}"; then
    return
  fi
  derived=$(derive_from_stanzas "${stanzas[@]}" || true)
  if [[ -n "$derived" ]]; then
    say "adding $sources/bpftally-backports.sources: the suite $suite from this machine's own mirror"
    echo "$derived" >"$sources/bpftally-backports.sources"
    return
  fi
  derived=$(derive_from_lines "${lines[@]}" || true)
  [[ -n "$derived" ]] || die "found no apt source of $VERSION_CODENAME to derive $suite from: add one by hand"
  say "adding $sources/bpftally-backports.list: the suite $suite from this machine's own mirror"
  echo "$derived" >"$sources/bpftally-backports.list"
}

install() {  # package…
  export DEBIAN_FRONTEND=noninteractive
  local options=(-y -q --no-install-recommends -o Dpkg::Use-Pty=0) name
  local plain=() newer=()
  for name in "$@"; do
    if [[ -n "$suite" && -n "${backported[$name]:-}" ]]; then newer+=("$name"); else plain+=("$name"); fi
  done
  if (( ${#newer[@]} > 0 )); then add_backports; fi
  apt-get update -q || die "apt-get update failed: see above"
  if (( ${#newer[@]} > 0 )); then apt-get install "${options[@]}" -t "$suite" "${newer[@]}"; fi
  if (( ${#plain[@]} > 0 )); then apt-get install "${options[@]}" "${plain[@]}"; fi
}

wanted=()
for purpose in "$@"; do
  case "$purpose" in
    build) wanted+=("${build[@]}") ;;
    test) wanted+=("${test[@]}") ;;
    *) die "unknown purpose \"$purpose\": expected build or test" ;;
  esac
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
  say "this system has no apt. Install what these Debian packages contain, then build with cmake:"
  say "  ${wanted[*]}"
  exit 69
fi

. /etc/os-release
if [[ "${ID:-}" == debian && "${VERSION_CODENAME:-}" == bookworm ]]; then
  suite=bookworm-backports
  wanted+=(libbpf1)  # otherwise the newer libbpf-dev would have to take it from another suite
fi
mapfile -t absent < <(missing "${wanted[@]}")
if (( ${#absent[@]} > 0 )); then
  say "installing ${absent[*]}"
  install "${absent[@]}"
fi
