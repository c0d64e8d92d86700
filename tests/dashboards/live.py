"""Runs every query of every dashboard against a real Prometheus that scrapes a real bpftally."""

import contextlib
import http.server
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading

import grafana
import processes
import script
from prometheus import start_prometheus

BPFFS = pathlib.Path("/sys/fs/bpf")
ENTRIES = 1000

NO_KPROBES = "needs a program on a kprobe, and many kernels have none"
# (uid, panel, refId): why the query may give no data here.
MAY_BE_EMPTY = {
    ("bpftally-subsystem", "Links", "D"): NO_KPROBES,
    ("bpftally-programs", "Missed probe hits", "A"): NO_KPROBES,
    ("bpftally-programs", "Links", "C"): "needs a kprobe_multi link, and many kernels have none",
    ("bpftally-exporter", "Errors", "A"): "no series before the first error, and none is made here",
    ("bpftally-metric-programs", "OOM kills", "A"): "no process is killed here because memory runs out",
    ("bpftally-metric-programs", "Throttled by quota", "A"): "needs fentry and a CPU quota",
    ("bpftally-metric-programs", "Last-level cache misses", "A"): "many virtual machines count none",
}
# Columns of labels that Prometheus drops because they are empty on every series here.
MAY_BE_ABSENT = {"netns": "none of the links here is in a network namespace"}
# What the population below brings about.
PENDING_ALERTS = {"BpfMapAlmostFull"}
# What --run-stats turned on is wanted, and the exporter answers and pushes.
QUIET_ALERTS = {"BpfRunStatsOnForLong", "BpftallyDown", "BpftallyOtlpDown"}


def require():
    script.require_root("bpftally reads the kernel's BPF objects")
    script.require_tools("prometheus", "bpftool")
    if not BPFFS.is_mount():
        raise script.CannotRun(f"no bpffs on {BPFFS}")


class Population:
    """Maps of all kinds that the dashboards show: nearly full, growing, with open buffers."""

    def __init__(self, stack):
        self.folder = BPFFS / f"bpftally_dashboards_{os.getpid()}"
        self.folder.mkdir()
        stack.callback(self.remove)
        self.entries = 0
        self.create("hash", "hash", 4, 8, ENTRIES)
        self.create("ring", "ringbuf", 0, 0, 4096)
        self.create("perf", "perf_event_array", 4, 4, os.cpu_count())
        self.add_entries(ENTRIES * 92 // 100)
        # Perf buffers exist as long as somebody has them open.
        processes.spawn(stack, ["bpftool", "map", "event_pipe", "pinned", self.folder / "perf"],
              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def create(self, name, kind, key, value, entries):
        subprocess.run(["bpftool", "map", "create", self.folder / name, "type", kind,
                        "key", str(key), "value", str(value), "entries", str(entries),
                        "name", f"dash_{name}"], check=True)

    def add_entries(self, count):
        keys = range(self.entries, min(self.entries + count, ENTRIES))
        lines = [f"map update pinned {self.folder / 'hash'} "
                 f"key hex {key.to_bytes(4, 'little').hex(' ')} value hex {'00 ' * 8}\n"
                 for key in keys]
        subprocess.run(["bpftool", "batch", "file", "-"], input="".join(lines), text=True,
                       check=True, stdout=subprocess.DEVNULL)
        self.entries += len(keys)

    def remove(self):
        for pin in self.folder.iterdir():
            pin.unlink()
        self.folder.rmdir()


class Events:
    """What the shipped metric programs count and an idle machine does not do."""

    def __init__(self, stack, folder):
        self.stack = stack
        self.file = stack.enter_context((folder / "events").open("wb"))
        self.listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))

    def make(self):
        self.file.write(bytes(4096))
        self.file.flush()
        os.fsync(self.file.fileno())
        # Whoever finds the queue full sends again after a second.
        client = self.stack.enter_context(socket.socket())
        client.setblocking(False)
        client.connect_ex(self.listener.getsockname())
        with socket.socket(type=socket.SOCK_DGRAM) as sender:
            sender.sendto(b"dropped", ("127.0.0.1", 9))


class Receiver(http.server.BaseHTTPRequestHandler):
    """Takes whatever is pushed."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        pass


def start_receiver(stack):
    """Its URL."""
    server = stack.enter_context(http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    stack.callback(server.shutdown)
    return f"http://127.0.0.1:{server.server_port}"


def start_exporter(stack, binary, folder, programs):
    """Its address, once it serves. Of the programs, those that this kernel refuses harm no other."""
    # Entries scanned where the kernel cannot count them: the test runs on old kernels too.
    _, port = processes.start_bpftally(
        stack, binary, folder / "bpftally.log", "--run-stats", "--scan-map-entries",
        "--collector.program-maps", "--poll-interval=1s", f"--otlp-http={start_receiver(stack)}",
        "--otlp-interval=1s", f"--programs={','.join(programs)}")
    return f"127.0.0.1:{port}"


def has_data(series):
    samples = series.get("values") or [series["value"]]
    return any(value != "NaN" for _, value in samples)


class Grafana:
    """Resolves variables and runs panels as Grafana does."""

    def __init__(self, prometheus, board, choose_all):
        self.prometheus = prometheus
        self.board = board
        self.found = []
        self.excused = []
        self.answered = {}
        self.values = {"__rate_interval": "5s", "__interval": "1s"}
        for variable in board.variables:
            if variable["type"] == "query":
                self.values[variable["name"]] = self.resolve(variable, choose_all)

    def resolve(self, variable, choose_all):
        query = grafana.interpolate(variable["query"]["query"], self.values)
        values = grafana.choices(variable, self.answers(query))
        if not values:
            self.found.append(f"{self.board.name}: ${variable['name']} has no values: {query}")
        self.answered[variable["name"]] = values
        if choose_all and variable["includeAll"]:
            return variable["allValue"]
        return f"({'|'.join(grafana.escape(value) for value in values)})"

    def answers(self, query):
        kind, argument = re.fullmatch(r"(label_values|query_result)\((.*)\)", query).groups()
        if kind == "label_values":
            selector, label = argument.rsplit(", ", 1)
            return self.prometheus.ask(f"label/{label}/values", **{"match[]": selector})
        return ["{" + ",".join(f'{k}="{v}"' for k, v in series["metric"].items()) + "}"
                for series in self.prometheus.instant(argument)]

    def run_panels(self):
        for panel in self.board.panels:
            if "repeat" in panel:
                self.run_repeated(panel)
            else:
                self.run_panel(panel)

    def run_repeated(self, panel):
        """Grafana draws it once for each chosen value of a variable."""
        name = panel["repeat"]
        chosen = self.values[name]
        for value in self.answered[name]:
            self.values[name] = grafana.escape(value)
            self.run_panel(panel)
        self.values[name] = chosen

    def run_panel(self, panel):
        fields = {"Time"}
        for target in panel["targets"]:
            fields |= self.run_target(panel, target)
        self.check_columns(panel, fields)

    def run_target(self, panel, target):
        """The fields that a table gets from it."""
        where = f"{self.board.name}: {panel['title']}, {target['refId']}"
        expr = grafana.interpolate(target["expr"], self.values)
        query = self.prometheus.instant if target["instant"] else self.prometheus.range
        try:
            result = [series for series in query(expr) if has_data(series)]
        except ValueError as error:
            self.found.append(f"{where}: {error}: {expr}")
            return set()
        value = "Value" if len(panel["targets"]) == 1 else f"Value #{target['refId']}"
        if not result:
            reason = MAY_BE_EMPTY.get((self.board.json["uid"], panel["title"], target["refId"]))
            if reason:
                self.excused.append(f"{where}: no data: {reason}")
            else:
                self.found.append(f"{where}: no data: {expr}")
            return {value}
        labels = set().union(*(series["metric"] for series in result))
        for name in set(re.findall(r"{{(\w+)}}", target.get("legendFormat", ""))) - labels:
            self.found.append(f"{where}: the legend names {name}, which no series has")
        return labels | {value}

    def check_columns(self, panel, fields):
        if panel["type"] != "table":
            return
        where = f"{self.board.name}: {panel['title']}"
        options = grafana.organized(panel)
        named = set(options["excludeByName"]) | set(options["renameByName"])
        for field in sorted(named - fields - set(MAY_BE_ABSENT)):
            self.found.append(f"{where}: no query gives the field {field}")
        for field in sorted(fields - named):
            self.found.append(f"{where}: nothing is said of the field {field}")


def check_rules(prometheus):
    pending = set()
    for group in prometheus.ask("rules")["groups"]:
        for rule in group["rules"]:
            if rule["health"] != "ok":
                yield f"the rule {rule['name']} is {rule['health']}: {rule.get('lastError')}"
            for alert in rule.get("alerts", []):
                pending.add(rule["name"])
                for text in alert["annotations"].values():
                    if "<error" in text or "{{" in text:
                        yield f"{rule['name']}: an annotation is not filled in: {text}"
    for name in sorted(PENDING_ALERTS - pending):
        yield f"{name} is not pending"
    for name in sorted(QUIET_ALERTS & pending):
        yield f"{name} is pending"


def check_exceptions(boards):
    there = {(board.json["uid"], panel["title"], target["refId"])
             for board in boards for panel in board.panels for target in panel["targets"]}
    for exception in sorted(set(MAY_BE_EMPTY) - there):
        yield f"an exception for a query that no dashboard has: {exception}"


def wait_for_samples(prometheus, population, events):
    """Until every rate and rule has what it needs; the map grows meanwhile."""

    def settled():
        population.add_entries(1)
        events.make()
        scrapes = prometheus.instant("count_over_time(bpftally_build_info[1m])")
        rules = prometheus.instant("program:bpf_program_run_time_seconds:mean5m")
        return scrapes and int(scrapes[0]["value"][1]) >= 8 and rules

    processes.wait_for("Prometheus has scraped and evaluated", settled)


def run(root, rules, binary):
    require()
    boards = grafana.load_boards(root / "dashboards")
    found = list(check_exceptions(boards))
    excused = []
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        population = Population(stack)
        programs = sorted(path.stem for path in (root / "bpf" / "programs").glob("*.yaml"))
        address = start_exporter(stack, binary, folder, programs)
        prometheus = start_prometheus(stack, folder, address, rule_files=[str(rules)])
        wait_for_samples(prometheus, population, Events(stack, folder))
        found += check_rules(prometheus)
        for board in boards:
            for choose_all in (True, False):
                viewer = Grafana(prometheus, board, choose_all)
                viewer.run_panels()
                found += viewer.found
                excused += viewer.excused
    print("\n".join(dict.fromkeys(excused)))
    return list(dict.fromkeys(found))
