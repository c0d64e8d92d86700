#!/usr/bin/env bash
# soak.sh [--build DIR] [--short] [MINUTES]: the real program on the real kernel for ten minutes, or so many: objects
# come and go, clients scrape and misbehave, OTLP receivers flap, a real Prometheus watches. At the end nothing may have
# grown. --short is 45 seconds. Ends with 0, with 1 and what was found, or with 77 and what is missing here.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
export PATH="$PATH:$root/build/tools/usr/bin"
exec python3 -Bu "$root/tests/soak/soak.py" "$@"
