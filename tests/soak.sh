#!/usr/bin/env bash
# soak.sh [--build DIR] [--short] [MINUTES]: the real program on the real kernel for ten minutes, or so many: objects
# come and go, clients scrape and misbehave, OTLP receivers flap, a real Prometheus watches. At the end nothing may have
# grown. --short is 45 seconds. Ends with 0, with 1 and what was found, or with 77 and what is missing here.
#
# soak.sh --stalls [--build DIR] [--label REGEX] [--only REGEX] [--seed N]: runs suites of tests and stops each, with all
# that it started, for five seconds at random moments, as a busy host does to a guest: none may fail. Without --label
# those that need no privilege.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH="$PATH:$root/build/tools/usr/bin"
work=soak.py
if [[ "${1:-}" == --stalls ]]; then
  work=stalls.py
  shift
fi
exec python3 -Bu "$root/tests/soak/$work" "$@"
