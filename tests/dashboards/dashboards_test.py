#!/usr/bin/env python3
"""dashboards_test.py lint|rules|live [the bpftally binary]

lint:  the dashboards keep to their rules; needs nothing else
rules: promtool checks deploy/prometheus/rules.yaml, and its tests pass
live:  every query of every dashboard gives data from a real Prometheus that scrapes a real bpftally
"""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "e2e"))

# pylint: disable=wrong-import-position
import lint
import live
import processes

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"


def skip(reason):
    print(f"SKIP: {reason}")
    sys.exit(77)


def run_rules():
    if not shutil.which("promtool"):
        skip("promtool is missing (Debian package prometheus)")
    tests = RULES.with_name("rules_test.yaml")
    found = []
    for command in (["check", "rules", RULES], ["test", "rules", tests]):
        result = subprocess.run(["promtool", *command], capture_output=True, text=True)
        if result.returncode:
            found.append(result.stdout + result.stderr)
    return found + list(check_coverage(RULES.read_text(), tests.read_text()))


def check_coverage(rules, tests):
    """Each rule has a test, and an annotation names no label that its alert does not have there."""
    for rule in re.split(r"\n +- (?=record:|alert:)", rules)[1:]:
        kind, name = re.match(r"(\w+): (\S+)", rule).groups()
        expected = rf'ALERTS{{alertname="{name}", (.*)}}' if kind == "alert" else rf"{name}{{(.*)}}"
        sample = re.search(rf"labels: '{expected}'", tests)
        if not sample:
            yield f"{name} has no test that sees it"
            continue
        labels = set(re.findall(r"(\w+)=", sample[1]))
        for label in sorted(set(re.findall(r"\$labels\.(\w+)", rule)) - labels):
            yield f"{name}: the label {label} is in an annotation and not on the alert"
        if kind == "alert":
            for field in ("severity: ", "summary: ", "description: ", "Runbook: "):
                if field not in rule:
                    yield f"{name} has no {field}"


def run_live(binary):
    lacking = live.what_is_lacking()
    if lacking:
        skip(lacking)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that pins and children go too
    return live.run(ROOT, RULES, binary)


def main():
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode == "lint":
        found = lint.run(ROOT)
    elif mode == "rules":
        found = run_rules()
    elif mode == "live":
        found = run_live(sys.argv[2] if len(sys.argv) > 2 else os.environ["BPFTALLY"])
    else:
        sys.exit(__doc__)
    print("\n".join(found) or f"{mode}: all is well")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    try:
        main()
    except processes.CannotRun as reason:
        skip(reason)
