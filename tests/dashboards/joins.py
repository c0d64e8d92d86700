"""Runs every join of the dashboards by promtool where each object has two series: a pod was replaced."""

import json
import pathlib
import subprocess
import tempfile

import grafana

# Both pods' series, and an id that the kernel gave anew after a restart of the host.
OBJECTS = {
    "bpf_verifier_instruction_limit": ["", ""],
    "bpf_program_verified_instructions_total": ['id="5", name="count", type="xdp"'] * 2,
    "bpf_program_info": ['id="5", name="old"', 'id="5", name="count"'],
    "bpf_program_map_info": ['program_id="5", map_id="7"'] * 2,
    "bpf_map_info": ['id="7", name="old", type="hash", max_entries="1"',
                     'id="7", name="flows", type="array", max_entries="8"'],
    "bpf_link_info": ['id="3", prog_id="5", type="xdp"'] * 2,
    "ebpf_exporter_ebpf_program_info": ['config="runqlat", program="count", id="5"'] * 2,
    "ebpf_exporter_ebpf_program_attached": ['id="5"'] * 2,
}
VARIABLES = {"job": ".+", "instance": ".+", "program": ".+", "__rate_interval": "5m"}


def series():
    for metric, of_each_pod in OBJECTS.items():
        for pod, labels in zip(("old", "new"), of_each_pod):
            own = f"{labels}, " if labels else ""
            yield {"series": f'{metric}{{{own}job="bpftally", instance="node1:9435", pod="{pod}"}}',
                   "values": "1x10"}


def joins(boards):
    return {f"{board.name}: {panel['title']}, {target['refId']}": target["expr"]
            for board in boards for panel in board.panels for target in panel["targets"]
            if "group_" in target["expr"]}


def run(boards):
    """What promtool complains about."""
    found = joins(boards)
    if len(found) < 5:
        yield f"only {len(found)} joins in the dashboards: this test is blind"
    for where, expr in found.items():
        # absent() of a query that fails fails, and that of an empty one gives a sample.
        query = f"absent({grafana.interpolate(expr, VARIABLES)})"
        test = {"tests": [{"interval": "1m", "input_series": list(series()),
                           "promql_expr_test": [{"expr": query, "eval_time": "5m"}]}]}
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "joins_test.yaml")
            file.write_text(json.dumps(test), encoding="utf-8")  # JSON is YAML
            result = subprocess.run(["promtool", "test", "rules", file], capture_output=True, text=True)
        if result.returncode:
            yield f"{where}: {result.stdout}{result.stderr}"
