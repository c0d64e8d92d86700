#!/usr/bin/env bash
# sudo deploy/run.sh [bpftally flags]: from a fresh checkout to metrics of this host's BPF subsystem.
# Installs what is missing, builds a release, runs it in the foreground.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (( EUID != 0 )); then
  echo "run.sh: run with sudo: it installs packages, and reading the kernel's BPF objects needs root" >&2
  exit 77
fi

deploy/install-packages.sh build
if [[ ! -f build/release/build.ninja ]]; then
  cmake --preset release
fi
cmake --build --preset release

# Other commands than run, and whatever serves elsewhere or not at all, speak for themselves.
case " $* " in
  *" --web.listen-address"* | *" --no-prometheus "* | *" --config.check "*) ;;
  *" metrics "* | *" dump "* | *" programs "* | *" check "* | *" help "* | *" version "* | *" --help "* | *" -h "* | *" --version "*) ;;
  *) echo "bpftally: look at http://localhost:9435/ (end with Ctrl-C)" ;;
esac
exec build/release/src/bpftally "$@"
