#!/usr/bin/env python3
"""stack_test.py generated|wiring|pod [the bpftally binary]

generated: metrics-stack.yaml is what deploy/stack/generate.py makes of its sources
wiring:    its parts fit together, and it has only what podman 4.3 understands
pod:       podman runs it, with stand-ins for images, and a real Prometheus scrapes a real bpftally
"""

import difflib
import os
import pathlib
import signal
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "e2e"), str(ROOT / "deploy" / "stack")]

# pylint: disable=wrong-import-position
import generate
import processes


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def run_generated():
    made = generate.generate(generate.read_sources())
    committed = (ROOT / "metrics-stack.yaml").read_text(encoding="utf-8")
    found = list(difflib.unified_diff(committed.splitlines(), made.splitlines(),
                                      "metrics-stack.yaml", "generated", lineterm="", n=0))[:20]
    return found + ["run deploy/stack/generate.py >metrics-stack.yaml"] if found else []


def run_wiring():
    try:
        import wiring
    except ModuleNotFoundError as error:
        skip(f"the Python module {error.name} is missing (Debian package python3-yaml)")
    return wiring.run(ROOT)


def run_pod(binary):
    import pod
    lacking = pod.what_is_lacking()
    if lacking:
        skip(lacking)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that containers go too
    return pod.run(ROOT, binary)


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode == "generated":
        found = run_generated()
    elif mode == "wiring":
        found = run_wiring()
    elif mode == "pod":
        found = run_pod(sys.argv[2] if len(sys.argv) > 2 else os.environ["BPFTALLY"])
    else:
        sys.exit(__doc__)
    print("\n".join(found) or f"{mode}: all is well")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    try:
        main()
    except processes.CannotRun as reason:
        skip(reason)
