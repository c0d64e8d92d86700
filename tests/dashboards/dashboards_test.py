#!/usr/bin/env python3
"""dashboards_test.py lint|rules|live [the bpftally binary]

lint:  the dashboards keep to their rules; needs nothing else
rules: promtool checks deploy/prometheus/rules.yaml, its tests pass, and no join of a dashboard fails
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
import grafana
import joins
import lint
import live
import script

RULES = ROOT / "deploy" / "prometheus" / "rules.yaml"


def run_rules():
    if not shutil.which("promtool"):
        raise script.CannotRun("promtool is missing (Debian package prometheus)")
    tests = [RULES.with_name("rules_test.yaml"), *sorted(pathlib.Path(__file__).parent.glob("*_test.yaml"))]
    found = []
    for command in (["check", "rules", RULES], ["test", "rules", *tests]):
        result = subprocess.run(["promtool", *command], capture_output=True, text=True)
        if result.returncode:
            found.append(result.stdout + result.stderr)
    rules = RULES.read_text(encoding="utf-8")
    found += check_coverage(rules, "".join(test.read_text(encoding="utf-8") for test in tests))
    found += check_runbooks(rules)
    found += lint.unsafe_joins(rules)
    return found + list(joins.run(grafana.load_boards(ROOT / "dashboards")))


def check_runbooks(rules):
    """Debian's bpftool is built without what shows the processes that hold an object."""
    if "bpftool" in rules:
        yield "a runbook relies on bpftool"


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
