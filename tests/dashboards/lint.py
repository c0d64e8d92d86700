"""Rules that every dashboard keeps, each shown on a bad sample that it can fail."""

import copy
import json
import re

from grafana import Board, load_boards, metrics_of, organized, variables_of

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
SELECTOR = '{job=~"$job", instance=~"$instance"'
FORMATS = {"heatmap": "heatmap", "table": "table"}
PROMETHEUS_OWN = {"scrape_duration_seconds"}
# One series for each set of labels that is matched: two would end the query with an error.
SAFE_JOIN = re.compile(r"on \(([\w, ]+)\) group_left \([\w, ]*\) \w+ by \(\1\) \(")
UNITS = {"Bps", "bytes", "cps", "percentunit", "s", "short"}  # Grafana takes any text for a unit


def exported_metrics(source):
    """The names in the collectors' source. The sizes get their _total there at run time."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(source.rglob("*.cc")))
    names = set(re.findall(r'"((?:bpf|bpftally|process)_\w+)"', text))
    sizes = set(re.findall(r'\bspec\(\s*"(\w+)"', text))
    return names - sizes | {size + "_total" for size in sizes}


def metrics_of_programs(source, configurations):
    """The names of the shipped metric programs, and of what is exported about them."""
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(source.rglob("*.cc")))
    names = set(re.findall(r'"(ebpf_exporter_\w+)"', text))
    of_themselves = (source / "plan" / "self_metrics.h").read_text(encoding="utf-8")
    names |= {f"ebpf_exporter_{name}" for name in re.findall(r'string_view \w+ = "(\w+)"', of_themselves)}
    for path in configurations.glob("*.yaml"):
        for block in re.split(r"(?m)^    - name: ", path.read_text(encoding="utf-8"))[1:]:
            suffixes = ("_bucket", "_sum", "_count") if "bucket_type" in block else ("",)
            names |= {f"ebpf_exporter_{block.split()[0]}{suffix}" for suffix in suffixes}
    return names


def check_header(board):
    root = board.json
    expected = {"id": None, "tags": ["bpftally"], "schemaVersion": 39, "editable": False}
    for key, value in expected.items():
        if root.get(key) != value:
            yield f"{key} is {root.get(key)!r} instead of {value!r}"
    for key in ("uid", "title", "description"):
        if not root.get(key):
            yield f"no {key}"
    if not any(link["type"] == "dashboards" and link["tags"] == ["bpftally"] and
               link["includeVars"] and link["keepTime"] for link in root["links"]):
        yield "no link to the other dashboards by tag that keeps variables and time"
    if board.text != json.dumps(root, indent=2, ensure_ascii=False) + "\n":
        yield "not formatted as json.dumps(…, indent=2) does"


def check_variables(board):
    by_name = {variable["name"]: variable for variable in board.variables}
    if list(by_name)[:3] != ["datasource", "job", "instance"]:
        yield "the variables do not begin with datasource, job, instance"
        return
    datasource = by_name["datasource"]
    if datasource["type"] != "datasource" or datasource["query"] != "prometheus":
        yield "the variable datasource does not choose a Prometheus"
    for name in ("job", "instance"):
        variable = by_name[name]
        if not (variable["multi"] and variable["includeAll"] and variable["allValue"] == ".+" and
                variable["query"]["query"].startswith("label_values(")):
            yield f"${name} is not a multi-value choice of label values with All"
    for variable in board.variables[1:]:
        if variable["refresh"] != 2:
            yield f"${variable['name']} is not refreshed when the time range changes"
    used = variables_of(board.text)
    for name in used - set(by_name):
        yield f"${name} is used and not defined"
    for name in set(by_name) - used:
        yield f"${name} is defined and not used"


def check_layout(board):
    taken = {}
    ids = [panel["id"] for panel in board.json["panels"]]
    if len(ids) != len(set(ids)):
        yield "two panels have one id"
    for panel in board.json["panels"]:
        pos = panel["gridPos"]
        if min(pos.values()) < 0 or pos["x"] + pos["w"] > 24 or not 1 <= pos["h"] <= 14:
            yield f"{panel['title']}: does not fit on 24 columns and a laptop's height"
        for x in range(pos["x"], pos["x"] + pos["w"]):
            for y in range(pos["y"], pos["y"] + pos["h"]):
                other = taken.setdefault((x, y), panel["title"])
                if other is not panel["title"]:
                    yield f"{panel['title']}: lies on {other}"
                    return


def check_panels(board):
    for panel in board.json["panels"]:
        if not panel.get("title"):
            yield f"panel {panel['id']} has no title"
    for panel in board.panels:
        title, defaults = panel["title"], panel["fieldConfig"]["defaults"]
        if panel["type"] not in ("heatmap", "stat", "table", "timeseries"):
            yield f"{title}: an unusual type of panel, {panel['type']}"
        if not panel.get("description", "").endswith("."):
            yield f"{title}: no description in sentences"
        units = {defaults.get("unit")}
        for override in panel["fieldConfig"]["overrides"]:
            units |= {p["value"] for p in override["properties"] if p["id"] == "unit"}
        if not units <= UNITS:
            yield f"{title}: no unit, or one that Grafana does not know: {units - UNITS}"
        steps = [step["value"] for step in defaults.get("thresholds", {}).get("steps", [])]
        if not steps or steps[0] is not None or steps[1:] != sorted(set(steps[1:])):
            yield f"{title}: thresholds do not begin with a base and rise"


def check_datasources(board):
    def walk(node):
        if isinstance(node, dict):
            if "datasource" in node and node["datasource"] != DATASOURCE:
                yield f"a hard-coded data source: {node['datasource']}"
            for child in node.values():
                yield from walk(child)
        elif isinstance(node, list):
            for child in node:
                yield from walk(child)

    yield from walk(board.json)
    for panel in board.panels:
        if "datasource" not in panel or any("datasource" not in t for t in panel["targets"]):
            yield f"{panel['title']}: the default data source is taken"


def argument_of_call(expr, start):
    """From an opening parenthesis to the one that closes it."""
    depth = 0
    for i in range(start, len(expr)):
        depth += {"(": 1, ")": -1}.get(expr[i], 0)
        if depth == 0:
            return expr[start:i + 1]
    return expr[start:]


def check_queries(board):
    for panel in board.panels:
        title, targets = panel["title"], panel["targets"]
        if not targets or len({target["refId"] for target in targets}) != len(targets):
            yield f"{title}: no query, or two with one refId"
        for target in targets:
            expr = target["expr"]
            for call in re.finditer(r"\b(?:i?rate|increase|i?delta)(\()", expr):
                if "[$__rate_interval]" not in argument_of_call(expr, call.start(1)):
                    yield f"{title}: a rate without $__rate_interval"
            if len(metrics_of(expr)) != expr.count(SELECTOR):
                yield f"{title}: a metric without job and instance"
            if target["format"] != FORMATS.get(panel["type"], "time_series"):
                yield f"{title}: the format of {target['refId']} is not the panel's"
            if target["instant"] == target["range"]:
                yield f"{title}: {target['refId']} is instant and range at once, or neither"
            if panel["type"] in ("heatmap", "timeseries") and target["instant"]:
                yield f"{title}: {target['refId']} is no range query"


def unsafe_joins(text):
    if text.count("group_left") + text.count("group_right") != len(SAFE_JOIN.findall(text)):
        yield "a join whose other side may have two series of one object"


def check_joins(board):
    for panel in board.panels:
        for target in panel["targets"]:
            for complaint in unsafe_joins(target["expr"]):
                yield f"{panel['title']}: {complaint}"


def check_buckets(board):
    """OTLP stores the bucket "1" where a scrape stores "1.0": the buckets of two jobs are never added."""
    for panel in board.panels:
        for target in panel["targets"]:
            labels = re.findall(r"\bby \(([\w, ]+)\)", target["expr"])
            adds = any("le" in names.split(", ") and "job" not in names.split(", ") for names in labels)
            if adds and panel.get("repeat") != "job":
                yield f"{panel['title']}: adds the buckets of all jobs"


def check_columns(board):
    for panel in board.panels:
        options = organized(panel)
        shown = set(options["renameByName"].values())
        named = [o["matcher"]["options"] for o in panel["fieldConfig"]["overrides"]]
        named += [sort["displayName"] for sort in panel["options"].get("sortBy", [])]
        for name in named:
            if name not in shown:
                yield f"{panel['title']}: no column {name}"
        if len(options["renameByName"]) != len(shown):
            yield f"{panel['title']}: two columns have one name"
        widths = [p["value"] for o in panel["fieldConfig"]["overrides"]
                  for p in o["properties"] if p["id"] == "custom.width"]
        if sum(widths) + 150 * (len(shown) - len(widths)) > 57 * panel["gridPos"]["w"]:
            yield f"{panel['title']}: its columns are wider than a laptop's screen"


CHECKS = (check_header, check_variables, check_layout, check_panels, check_datasources,
          check_queries, check_joins, check_buckets, check_columns)


def check_metrics(board, known):
    for panel in board.panels:
        for target in panel["targets"]:
            for name in set(metrics_of(target["expr"])) - known:
                yield f"{panel['title']}: bpftally has no metric {name}"
    for variable in board.variables:
        if variable["type"] == "query":
            for name in set(metrics_of(variable["query"]["query"])) - known:
                yield f"${variable['name']}: bpftally has no metric {name}"


def check_links(board, boards):
    by_uid = {other.json["uid"]: other for other in boards}
    for uid, parameters in re.findall(r'"/d/([\w-]+)\?([^"]*)"', board.text):
        if uid not in by_uid:
            yield f"a link to {uid}, which is no dashboard"
            continue
        theirs = {variable["name"] for variable in by_uid[uid].variables}
        for name in set(re.findall(r"\bvar-(\w+)=", parameters)) - theirs:
            yield f"a link sets ${name}, which {uid} has not"


def complaints(board, boards, known):
    for check in CHECKS:
        yield from check(board)
    yield from check_metrics(board, known)
    yield from check_links(board, boards)


def first(board, kind):
    return next(panel for panel in board["panels"] if panel["type"] == kind)


def replace_in_query(board, old, new):
    target = next(t for p in board["panels"] for t in p.get("targets", []) if old in t["expr"])
    target["expr"] = target["expr"].replace(old, new)


def put_query(board, expr):
    first(board, "stat")["targets"][0]["expr"] = expr.replace("{}", SELECTOR + "}")


BREAKAGES = {
    "is editable": lambda b: b.update(editable=True),
    "has no uid": lambda b: b.update(uid=""),
    "has another tag": lambda b: b.update(tags=["bpf"]),
    "links to nothing": lambda b: b.update(links=[]),
    "has one instance only": lambda b: b["templating"]["list"][2].update(multi=False),
    "keeps stale variables": lambda b: b["templating"]["list"][1].update(refresh=1),
    "misses a variable": lambda b: replace_in_query(b, "$job", "$jobs"),
    "has a variable too many": lambda b: b["templating"]["list"].append(
        dict(b["templating"]["list"][1], name="surplus")),
    "has an id twice": lambda b: b["panels"][1].update(id=b["panels"][0]["id"]),
    "has a panel on another": lambda b: b["panels"][1].update(gridPos=b["panels"][0]["gridPos"]),
    "is too wide": lambda b: b["panels"][-1]["gridPos"].update(w=25),
    "has no title": lambda b: first(b, "timeseries").update(title=""),
    "has no description": lambda b: first(b, "stat").pop("description"),
    "has no unit": lambda b: first(b, "stat")["fieldConfig"]["defaults"].pop("unit"),
    "has a made-up unit": lambda b: first(b, "stat")["fieldConfig"]["defaults"].update(unit="B"),
    "has no thresholds": lambda b: first(b, "stat")["fieldConfig"]["defaults"].pop("thresholds"),
    "has a fixed data source": lambda b: first(b, "stat").update(datasource={"uid": "prometheus"}),
    "takes the default data source": lambda b: first(b, "table")["targets"][0].pop("datasource"),
    "has a rate of five minutes": lambda b: replace_in_query(b, "[$__rate_interval]", "[5m]"),
    "forgets the instance": lambda b: replace_in_query(b, ', instance=~"$instance"', ""),
    "joins with what may be twice": lambda b: put_query(
        b, "bpftally_build_info{} * on (job, instance) group_left () bpftally_build_info{}"),
    "adds buckets of all jobs": lambda b: put_query(
        b, "sum by (le) (rate(ebpf_exporter_bio_size_bytes_bucket{}[$__rate_interval]))"),
    "has a made-up metric": lambda b: replace_in_query(b, "bpf", "bpf_made_up"),
    "has a column too wide": lambda b: first(b, "table")["fieldConfig"]["overrides"].append(
        {"matcher": {"id": "byName", "options": "Instance"},
         "properties": [{"id": "custom.width", "value": 700}]}),
    "has an override too many": lambda b: first(b, "table")["fieldConfig"]["overrides"].append(
        {"matcher": {"id": "byName", "options": "Nothing"}, "properties": []}),
}


def check_the_checks(boards, known):
    """Each way of breaking a dashboard must be found, or its check is blind."""
    for what, breakage in BREAKAGES.items():
        broken = copy.deepcopy(boards[0].json)
        breakage(broken)
        text = json.dumps(broken, indent=2, ensure_ascii=False) + "\n"
        if not any(complaints(Board("broken", text, broken), boards, known)):
            yield f"the checks are blind: a dashboard that {what} passed"


def run(root):
    boards = load_boards(root / "dashboards")
    known = exported_metrics(root / "src" / "collect") | PROMETHEUS_OWN
    known |= exported_metrics(root / "src" / "daemon")  # has the collector about the pushes
    known |= metrics_of_programs(root / "src" / "programs", root / "bpf" / "programs")
    found = [f"{board.name}: {complaint}"
             for board in boards for complaint in complaints(board, boards, known)]
    if len({board.json["uid"] for board in boards}) != len(boards):
        found.append("two dashboards have one uid")
    if len(boards) < 5:
        found.append(f"only {len(boards)} dashboards in {root / 'dashboards'}")
    return found + list(check_the_checks(boards, known))
