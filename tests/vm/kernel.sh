#!/usr/bin/env bash
# kernel.sh KERNEL DIRECTORY: makes DIRECTORY/vmlinuz, release, initramfs.gz and disk (an empty one, for what a guest
# writes) of Debian's newest kernel 6.1, 6.12 or 7. It fetches only what is not there yet.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
kernel=$1 directory=$2

# What a kernel comes from: suite, then packages (patterns).
declare -A packages=(
  [6.1]='bookworm linux-image-6\.1\.0-[0-9]+-amd64'
  [6.12]='trixie linux-image-6\.12[.0-9+deb]*-amd64'
  [7]='sid linux-binary-7[.0-9+deb]*-amd64 linux-modules-7[.0-9+deb]*-amd64'
)
# Loaded at the guest's start: its root and its disk, and what tests attach to.
modules=(virtio_ring virtio virtio_pci_modern_dev virtio_pci_legacy_dev virtio_pci netfs fscache 9pnet 9pnet_virtio 9p
         virtio_blk crc16 crc32c_generic libcrc32c mbcache jbd2 ext4 overlay dummy veth sch_ingress cls_bpf sch_netem
         loop)

fetch_kernel() {
  local fresh=$1 image release
  read -ra wanted <<<"${packages[$kernel]}"
  "$here/../fetch.sh" "${wanted[0]}" "$fresh" "${wanted[@]:1}" >/dev/null
  image=$(find "$fresh" -name 'vmlinuz*' -type f | head -n 1)
  if [[ "$image" == */boot/* ]]; then release=${image##*/vmlinuz-}; else release=$(basename "$(dirname "$image")"); fi
  mkdir -p "$directory/modules"
  find "$fresh" -path "*/lib/modules/$release/kernel/*" -name '*.ko*' -exec mv -t "$directory/modules" {} +
  echo "$release" >"$directory/release"
  mv "$image" "$directory/vmlinuz"
}

make_initramfs() {
  local tree=$1 module file
  mkdir -p "$tree"/{bin,modules,proc,sys,dev,host,scratch,root}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  for module in "${modules[@]}"; do
    for file in "$directory/modules/$module.ko"*; do
      case "$file" in
        *.xz) xz -dc "$file" >"$tree/modules/$module.ko" ;;
        *.ko) cp "$file" "$tree/modules/$module.ko" ;;
      esac
    done
  done
  install -m 755 "$here/init.sh" "$tree/init"
  (cd "$tree" && find . | cpio --quiet -o -H newc | gzip -1) >"$directory/initramfs.gz"
}

make_disk() {
  truncate -s 2G "$1"
  mkfs.ext4 -q -F "$1"
  mv "$1" "$directory/disk"
}

mkdir -p "$directory"
scratch=$(mktemp -d "$directory/scratch.XXXXXX")
trap 'rm -rf "$scratch"' EXIT
[[ -e "$directory/vmlinuz" ]] || fetch_kernel "$scratch/packages"
make_initramfs "$scratch/tree"
[[ -e "$directory/disk" ]] || make_disk "$scratch/disk"
