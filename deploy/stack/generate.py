#!/usr/bin/env python3
"""deploy/stack/generate.py >metrics-stack.yaml: the pod, and ConfigMaps of the files it mounts."""

import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HEADER = """\
# podman play kube metrics-stack.yaml: a collector, Prometheus, and Grafana with the dashboards.
# Made by deploy/stack/generate.py of what is in deploy/ and dashboards/: change that, not this.
"""
CONFIG_MAPS = {
    "metrics-stack-prometheus": [HERE / "prometheus.yml", ROOT / "deploy/prometheus/rules.yaml"],
    "metrics-stack-collector": [HERE / "collector.yaml"],
    "metrics-stack-datasources": [HERE / "datasources.yaml"],
    "metrics-stack-dashboards": [HERE / "dashboards.yaml",
                                 *sorted((ROOT / "dashboards").glob("*.json"))],
}


def show_scraped_first(dashboard):
    """With All jobs, the default, sums would count what is scraped and pushed as well twice."""
    board = json.loads(dashboard)
    for variable in board["templating"]["list"]:
        if variable["name"] == "job":
            variable["current"] = {"selected": True, "text": ["bpftally"], "value": ["bpftally"]}
    return json.dumps(board, indent=2, ensure_ascii=False) + "\n"


def content(path):
    text = path.read_text(encoding="utf-8")
    return show_scraped_first(text) if path.suffix == ".json" else text


def literal(text):
    """As a block of YAML that holds it unchanged."""
    return "|\n" + "".join(line if line == "\n" else f"    {line}"
                           for line in text.splitlines(keepends=True))


def config_map(name, paths):
    data = "".join(f"  {path.name}: {literal(content(path))}" for path in paths)
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{data}"


def main():
    pod = (HERE / "pod.yaml").read_text(encoding="utf-8")
    documents = [HEADER + pod] + [config_map(*entry) for entry in CONFIG_MAPS.items()]
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write("---\n".join(documents))


if __name__ == "__main__":
    main()
