#!/usr/bin/env bash
# Every source is formatted as .clang-format says; version 19 decides, others differ in details.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if ! command -v clang-format-19 >/dev/null; then
  echo "SKIP: clang-format-19 is not installed"
  exit 77
fi
find src tests \( -name '*.cc' -o -name '*.h' \) -print0 |
  xargs -0 clang-format-19 --dry-run -Werror
