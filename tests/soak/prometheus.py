"""A real Prometheus that scrapes the program each second, and what it is asked in the end."""

import json
import socket
import subprocess
import urllib.parse
import urllib.request

SUFFIXES = {"counter": ("", "_total"), "histogram": ("_bucket", "_count", "_sum"), "summary": ("_count", "_sum")}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Prometheus:
    def __init__(self, stack, folder, target_port):
        config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
                  "scrape_configs": [{"job_name": "bpftally",
                                      "static_configs": [{"targets": [f"127.0.0.1:{target_port}"]}]}]}
        (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}/api/v1/"
        log = stack.enter_context((folder / "prometheus.log").open("w"))
        child = stack.enter_context(subprocess.Popen(
            ["prometheus", f"--config.file={folder / 'prometheus.yml'}",
             f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}"],
            stdout=log, stderr=log))
        stack.callback(child.terminate)

    def ask(self, path, **parameters):
        body = urllib.parse.urlencode(parameters).encode() if path == "query" else None
        with urllib.request.urlopen(self.url + path, body, timeout=30) as answer:
            return json.load(answer)["data"]

    def values(self, query):
        return [float(series["value"][1]) for series in self.ask("query", query=query)["result"]]

    def scrapes(self):
        try:
            return int(sum(self.values("count_over_time(up[1h])")))
        except OSError:
            return 0  # not there yet

    def most_objects(self, window):
        """Of the whole kernel: others may have made crowds, which cost memory and time."""
        queries = {name: f"max_over_time(sum(bpf_{name})[{window}:1s])" for name in ("programs", "maps", "links")}
        return {name: sum(self.values(query)) for name, query in queries.items()}

    def counters(self):
        """The names of all series that may only grow."""
        there = set(self.ask("label/__name__/values"))
        typed = self.ask("metadata")
        return sorted(name + suffix for name, entries in typed.items()
                      for suffix in SUFFIXES.get(entries[0]["type"], ()) if name + suffix in there)

    def found(self, window):
        """What should not have happened within the window, in words."""
        if self.values(f"min_over_time(up[{window}])") != [1]:
            yield "up was not 1 throughout"
        success = self.values(f"min(min_over_time(bpftally_collector_success[{window}]))")
        if success != [1]:
            yield f"a collector failed: bpftally_collector_success {success}"
        counters = self.counters()
        if len(counters) < 20:
            yield f"too few counters to tell: {counters}"
        for name in counters:
            for series in self.ask("query", query=f"resets({name}[{window}]) > 0")["result"]:
                yield f"went backwards: {name}{series['metric']}, {series['value'][1]} times"
