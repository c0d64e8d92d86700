"""What Grafana makes of a dashboard's JSON, as far as the tests need it."""

import json
import pathlib
import re
from dataclasses import dataclass

METRIC = re.compile(r"\b(?:bpf|bpftally|ebpf_exporter|process|scrape)_\w+")
STRING = re.compile(r'"(?:\\.|[^"\\])*"')
VARIABLE = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|([a-zA-Z_]\w*))")


@dataclass
class Board:
    name: str
    text: str
    json: dict

    @property
    def variables(self):
        return self.json["templating"]["list"]

    @property
    def panels(self):
        return [panel for panel in self.json["panels"] if panel["type"] != "row"]


def load_boards(folder):
    boards = []
    for path in sorted(pathlib.Path(folder).glob("*.json")):
        text = path.read_text(encoding="utf-8")
        boards.append(Board(path.name, text, json.loads(text)))
    return boards


def metrics_of(expr):
    return METRIC.findall(STRING.sub('""', expr))


def variables_of(text):
    """Names of the dashboard's variables in a text, without Grafana's own."""
    names = {braced or bare for braced, bare in VARIABLE.findall(text)}
    return {name for name in names if not name.startswith("__")}


def organized(panel):
    """The options of a table's last transformation, which names its columns."""
    for transformation in panel.get("transformations", []):
        if transformation["id"] == "organize":
            return transformation["options"]
    return {"excludeByName": {}, "indexByName": {}, "renameByName": {}}


def escape(value):
    """A value of a multi-value variable, as Grafana's Prometheus data source writes it."""
    return re.sub(r"([\\^$.*+?()\[\]{}|])", r"\\\\\1", value)


def interpolate(expr, values):
    def put(match):
        return values.get(match[1] or match[2], match[0])

    return VARIABLE.sub(put, expr)


def choices(variable, answers):
    """The values that a variable offers, out of the texts that its query gave."""
    if not variable["regex"]:
        return sorted({answer for answer in answers if answer})
    pattern = re.compile(variable["regex"].strip("/").replace("(?<", "(?P<"))
    return sorted({match["value"] for match in map(pattern.search, answers) if match})
