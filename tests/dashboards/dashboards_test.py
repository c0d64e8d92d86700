#!/usr/bin/env python3
"""dashboards_test.py lint|rules|live [the bpftally binary]

lint:  the dashboards keep to their rules; needs nothing else
rules: promtool checks deploy/prometheus/rules.yaml, and its tests pass
live:  every query of every dashboard gives data from a real Prometheus that scrapes a real bpftally
"""

import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "e2e"))

# pylint: disable=wrong-import-position
import lint
import live
import script

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"


def run_rules():
    if not shutil.which("promtool"):
        raise script.CannotRun("promtool is missing (Debian package prometheus)")
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


if __name__ == "__main__":
    script.run_mode(__doc__, {
        "lint": lambda: lint.run(ROOT),
        "rules": run_rules,
        "live": lambda: live.run(ROOT, RULES, script.bpftally()),
    })
