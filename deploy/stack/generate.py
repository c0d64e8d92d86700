#!/usr/bin/env python3
"""deploy/stack/generate.py >metrics-stack.yaml: prints the pod and ConfigMaps of the files that it mounts."""

import hashlib
import json
import pathlib
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[1]
HEADER = """\
# podman play kube metrics-stack.yaml: a collector, Prometheus, and Grafana with the dashboards.
# Made by deploy/stack/generate.py from what is in deploy/ and dashboards/: change that, not this.
"""
SOURCES = {
    "metrics-stack-prometheus": [HERE / "prometheus.yml", ROOT / "deploy/prometheus/rules.yaml"],
    "metrics-stack-collector": [HERE / "collector.yaml"],
    "metrics-stack-datasources": [HERE / "datasources.yaml"],
    "metrics-stack-dashboards": [HERE / "dashboards.yaml",
                                 *sorted((ROOT / "dashboards").glob("*.json"))],
}


def show_scraped_first(dashboard):
    """Chooses one job: with "All", the default, sums would count twice what is both scraped and pushed."""
    board = json.loads(dashboard)
    for variable in board["templating"]["list"]:
        if variable["name"] == "job":
            variable["current"] = {"selected": True, "text": ["bpftally"], "value": ["bpftally"]}
    return json.dumps(board, indent=2, ensure_ascii=False) + "\n"


def content(path):
    text = path.read_text(encoding="utf-8")
    return show_scraped_first(text) if path.suffix == ".json" else text


def literal(text):
    """Returns a block of YAML that holds the text unchanged."""
    return "|\n" + "".join(line if line == "\n" else f"    {line}"
                           for line in text.splitlines(keepends=True))


def data_of(files):
    return "".join(f"  {name}: {literal(text)}" for name, text in files.items())


def read_sources():
    """Returns for each ConfigMap the texts of its files, by their names."""
    return {name: {path.name: content(path) for path in paths} for name, paths in SOURCES.items()}


def generate(config_maps):
    """Gives each ConfigMap a name that depends on its content: podman keeps the volume of a ConfigMap,
    and under the same name would mount it again with files that are no longer in it."""
    documents = [HEADER + (HERE / "pod.yaml").read_text(encoding="utf-8")]
    for name, files in config_maps.items():
        data = data_of(files)
        full_name = f"{name}-{hashlib.sha256(data.encode()).hexdigest()[:8]}"
        documents[0] = documents[0].replace(f"name: {name}\n", f"name: {full_name}\n")
        documents.append(
            f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {full_name}\ndata:\n{data}")
    return "---\n".join(documents)


if __name__ == "__main__":
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(generate(read_sources()))
