#!/usr/bin/env bash
# run.sh [--build DIR] [--all-kernels | KERNEL…]: boots Debian's kernels (6.1, 6.12, 7; 6.1 alone if none is named) under
# QEMU and runs the privileged and end-to-end suites of a built tree (build/tests) in them, once for each lockdown mode,
# and once with more possible CPUs than there are. Software emulation: it needs no KVM.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)

# What a kernel comes from: suite, then packages (patterns).
declare -A packages=(
  [6.1]='bookworm linux-image-6\.1\.0-[0-9]+-amd64'
  [6.12]='trixie linux-image-6\.12[.0-9+deb]*-amd64'
  [7]='sid linux-binary-7[.0-9+deb]*-amd64 linux-modules-7[.0-9+deb]*-amd64'
)
# Loaded at the guest's start: its root, and what tests attach to.
modules=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p
         overlay dummy veth sch_ingress cls_bpf sch_netem loop)
# What a mode adds to the kernel's command line, and to QEMU's.
modes=(none integrity confidentiality possible-cpus)
seconds_a_boot=600

build="$root/build/tests"
kernels=()
while (( $# > 0 )); do
  case "$1" in
    --build) build=$(cd "$2" && pwd); shift ;;
    --all-kernels) kernels=(6.1 6.12 7) ;;
    --modes) read -ra modes <<<"${2//,/ }"; shift ;;
    -*) echo "run.sh: unknown flag $1: --build DIR, --modes LIST, --all-kernels" >&2; exit 2 ;;
    *) kernels+=("$1") ;;
  esac
  shift
done
(( ${#kernels[@]} > 0 )) || kernels=(6.1)

say() { echo "vm: $*"; }

skip() {
  echo "SKIP: $*"
  exit 77
}

work="$root/build/vm"
[[ "$(uname -m)" == x86_64 ]] || skip "the kernels of the guests are for x86_64"
for tool in qemu-system-x86_64 busybox xz cpio python3; do
  command -v "$tool" >/dev/null || skip "no $tool here"
done

fetch_kernel() {  # kernel
  local directory="$work/$1" image
  read -ra wanted <<<"${packages[$1]}"
  if [[ ! -e "$directory/vmlinuz" ]]; then
    "$root/tests/fetch.sh" "${wanted[0]}" "$directory" "${wanted[@]:1}" >/dev/null || return
    image=$(find "$directory" -name 'vmlinuz*' -type f | head -n 1)
    [[ "$image" == */boot/* ]] && release=${image##*/vmlinuz-} || release=$(basename "$(dirname "$image")")
    [[ -d "$directory/usr/lib/modules" ]] || { mkdir -p "$directory/usr" && mv "$directory/lib" "$directory/usr/"; }
    echo "$release" >"$directory/release"
    rm -rf "$directory/apt" "$directory/boot/"System.map*
    ln -s "${image#"$directory"/}" "$directory/vmlinuz"
  fi
}

make_initramfs() {  # kernel
  local directory="$work/$1" tree module file
  tree=$(mktemp -d)
  mkdir -p "$tree"/{bin,modules,proc,sys,dev,host,scratch,root}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  for module in "${modules[@]}"; do
    file=$(find "$directory/usr/lib/modules" -name "$module.ko*" | head -n 1)
    case "$file" in
      *.xz) xz -dc "$file" >"$tree/modules/$module.ko" ;;
      ?*) cp "$file" "$tree/modules/$module.ko" ;;
    esac
  done
  install -m 755 "$here/init.sh" "$tree/init"
  echo "$work/suites $here" >"$tree/places"
  (cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$directory/initramfs.gz"
  rm -r "$tree"
}

# The binaries of the suites that need a kernel, from ctest's own list.
list_suites() {
  ctest --test-dir "$build" -N --show-only=json-v1 | python3 -c '
import json, sys
suites = {}
for test in json.load(sys.stdin)["tests"]:
    labels = [label for p in test["properties"] if p["name"] == "LABELS" for label in p["value"]]
    command = test.get("command", [])
    if command and any("privileged" in label for label in labels) and "--gtest_filter" in " ".join(command):
        suites[command[0]] = True
print("\n".join(suites))'
}

boot() {  # kernel, mode, log
  local directory="$work/$1" append="console=ttyS0 quiet panic=-1" cpus=2
  case "$2" in
    possible-cpus) cpus=2,maxcpus=8 ;;
    *) append+=" lockdown=$2" ;;
  esac
  timeout "$seconds_a_boot" qemu-system-x86_64 -accel tcg -cpu max -smp "$cpus" -m 3072 -nographic -no-reboot \
    -kernel "$directory/vmlinuz" -initrd "$directory/initramfs.gz" -append "$append" \
    -virtfs local,path=/,mount_tag=root,security_model=none,readonly=on,multidevs=remap >"$3" 2>&1 </dev/null
}

failed=0
mkdir -p "$work"
list_suites >"$work/suites"
[[ -s "$work/suites" ]] || { echo "vm: no privileged suites in $build: build it first" >&2; exit 1; }
for kernel in "${kernels[@]}"; do
  [[ -n "${packages[$kernel]:-}" ]] || { echo "vm: no kernel $kernel: there are ${!packages[*]}" >&2; exit 2; }
  fetch_kernel "$kernel" || skip "the kernel $kernel cannot be had from this machine's Debian mirror"
  make_initramfs "$kernel"
  for mode in "${modes[@]}"; do
    log="$work/$kernel-$mode.log"
    say "$kernel ($(cat "$work/$kernel/release")), $mode"
    boot "$kernel" "$mode" "$log" || true
    if "$here/report.py" "$log"; then continue; fi
    failed=1
  done
done
exit "$failed"
