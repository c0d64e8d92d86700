#!/usr/bin/env python3
"""stack_test.py generated|wiring|pod [the bpftally binary]

generated: metrics-stack.yaml is what deploy/stack/generate.py makes of its sources
wiring:    its parts fit together, and it has only what podman 4.3 understands
pod:       podman runs it, with stand-ins for images, and a real Prometheus scrapes a real bpftally
"""

import difflib
import importlib
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "tests" / "e2e"), str(ROOT / "deploy" / "stack")]

# pylint: disable=wrong-import-position
import generate
import script


def run_generated():
    made = generate.generate(generate.read_sources())
    committed = (ROOT / "metrics-stack.yaml").read_text(encoding="utf-8")
    found = list(difflib.unified_diff(committed.splitlines(), made.splitlines(),
                                      "metrics-stack.yaml", "generated", lineterm="", n=0))[:20]
    return found + ["run deploy/stack/generate.py >metrics-stack.yaml"] if found else []


def load(module):
    """Of those that need PyYAML, which may be missing."""
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name != "yaml":
            raise
        raise script.CannotRun("the Python module yaml is missing (Debian package python3-yaml)")


if __name__ == "__main__":
    script.run_mode(__doc__, {
        "generated": run_generated,
        "wiring": lambda: load("wiring").run(ROOT),
        "pod": lambda: load("pod").run(ROOT, script.bpftally()),
    })
