"""A real Prometheus, and what it is asked."""

import json
import time
import urllib.error
import urllib.parse
import urllib.request

import processes


class Prometheus:
    """The one that serves on a port of 127.0.0.1."""

    def __init__(self, port):
        self.url = f"http://127.0.0.1:{port}"

    def is_ready(self):
        try:
            with urllib.request.urlopen(self.url + "/-/ready", timeout=5):
                return True
        except OSError:
            return False

    def ask(self, path, **parameters):
        encoded = urllib.parse.urlencode(parameters)
        url, body = f"{self.url}/api/v1/{path}", None
        if path.startswith("query"):  # as Grafana: ids and names of a whole host are long
            body = encoded.encode()
        else:
            url += "?" + encoded
        try:
            with urllib.request.urlopen(url, body, timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise ValueError(json.load(error).get("error", str(error))) from error

    def instant(self, expr):
        return self.ask("query", query=expr)["result"]

    def range(self, expr):
        now = time.time()
        return self.ask("query_range", query=expr, start=now - 10, end=now, step=1)["result"]

    def values(self, expr):
        return [float(series["value"][1]) for series in self.instant(expr)]


def start_prometheus(stack, folder, target, **more):
    """One that scrapes the target each second, once it is ready. `more` goes into its configuration."""
    config = {"global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
              "scrape_configs": [{"job_name": "bpftally", "static_configs": [{"targets": [target]}]}], **more}
    (folder / "prometheus.yml").write_text(json.dumps(config))  # JSON is YAML
    port = processes.free_port()
    with (folder / "prometheus.log").open("w") as log:
        child = processes.spawn(stack, ["prometheus", f"--config.file={folder / 'prometheus.yml'}",
                                        f"--storage.tsdb.path={folder / 'data'}",
                                        f"--web.listen-address=127.0.0.1:{port}"], stdout=log, stderr=log)
    prometheus = Prometheus(port)

    def is_ready():
        if child.poll() is not None:
            raise RuntimeError(f"prometheus ended with {child.returncode}")
        return prometheus.is_ready()

    processes.wait_for("Prometheus is ready", is_ready)
    return prometheus
