#!/usr/bin/env bash
# sudo deploy/run.sh [bpftally flags]: takes a fresh checkout to metrics of this host's BPF objects. Installs what is
# missing, builds a release, and runs it in the foreground.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

if (( EUID != 0 )); then
  echo "run.sh: run it with sudo: installing packages and reading the kernel's BPF objects need root" >&2
  exit 77
fi

deploy/install-packages.sh build
if [[ ! -f build/release/build.ninja ]]; then
  cmake --preset release
fi
cmake --build --preset release

# Says where the page is, unless the flags choose another address, no server, or another command.
case " $* " in
  *" --web.listen-address"* | *" --no-prometheus "* | *" --config.check "*) ;;
  *" metrics "* | *" dump "* | *" programs "* | *" check "* | *" help "* | *" version "* | *" --help "* | *" -h "* | *" --version "*) ;;
  *) echo "bpftally: open http://localhost:9435/ (end with Ctrl-C)" ;;
esac
exec build/release/src/bpftally "$@"
