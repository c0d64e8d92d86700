#!/usr/bin/env bash
# run.sh [--build DIR] [--short] [--modes LIST] [--only REGEX] [--seconds N] [--all-kernels] [KERNEL…]: the privileged
# and end-to-end suites of a built tree in Debian's kernels under QEMU; see README.md. Status 0: all good, 1: something
# failed, 77: it cannot run here.
set -euo pipefail
for tool in python3 qemu-system-x86_64 busybox xz cpio mkfs.ext4 ctest; do
  command -v "$tool" >/dev/null || { echo "SKIP: no $tool here"; exit 77; }
done
[[ "$(ldd "$(command -v busybox)" 2>&1)" != *' => '* ]] || { echo "SKIP: busybox is not the static one"; exit 77; }
[[ "$(uname -m)" == x86_64 ]] || { echo "SKIP: the kernels of the guests are for x86_64"; exit 77; }
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
export PATH="$PATH:${here%/tests/vm}/build/tools/usr/bin"
exec python3 -B "$here/matrix.py" "$@"
