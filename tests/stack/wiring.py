"""Rules that metrics-stack.yaml keeps, each shown on a bad sample that it can fail."""

import copy
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

# What podman 4.3 runs as Kubernetes does. It knows no subPath, and no probe but a liveness probe.
CONTAINER_KEYS = {"name", "image", "args", "env", "volumeMounts"}
MOUNT_KEYS = {"name", "mountPath", "readOnly"}
POD_KEYS = {"hostNetwork", "restartPolicy", "containers", "volumes"}
PINNED = re.compile(r"[a-z0-9/-]+:v?\d+\.\d+\.\d+")
# Prometheus, OTLP over gRPC and HTTP, bpftally: each is named twice or more, and must be one port.
PORTS = {"9090", "4317", "4318", "9435"}
CONFIG_MAP_LIMIT = 1 << 20


class Stack:
    def __init__(self, documents):
        self.documents = documents
        self.pods = [d for d in documents if d["kind"] == "Pod"]
        self.spec = self.pods[0]["spec"]
        self.config_maps = {d["metadata"]["name"]: d["data"]
                            for d in documents if d["kind"] == "ConfigMap"}
        self.volumes = {v["name"]: v["configMap"]["name"] for v in self.spec["volumes"]}

    def container(self, name):
        return next(c for c in self.spec["containers"] if c["name"] == name)

    def files(self, volume):
        return self.config_maps[self.volumes[volume]]

    def mounted(self, container):
        """The files of a container, by path."""
        return {f"{mount['mountPath']}/{key}": text
                for mount in container["volumeMounts"]
                for key, text in self.files(mount["name"]).items()}

    def texts(self, container):
        """All that may name a path or an address; dashboards and rules do not."""
        yield from container.get("args", [])
        yield from (variable["value"] for variable in container.get("env", []))
        yield from (text for path, text in self.mounted(container).items()
                    if not path.endswith((".json", "/rules.yaml")))


def parse(text):
    return Stack(list(yaml.safe_load_all(text)))


def check_kinds(stack):
    kinds = {document["kind"] for document in stack.documents}
    if kinds != {"Pod", "ConfigMap"} or len(stack.pods) != 1:
        yield f"not one Pod and its ConfigMaps: {sorted(kinds)}"


def check_keys(stack):
    yield from (f"the pod has {key}" for key in set(stack.spec) - POD_KEYS)
    for container in stack.spec["containers"]:
        for key in set(container) - CONTAINER_KEYS:
            yield f"{container['name']} has {key}"
        for mount in container["volumeMounts"]:
            yield from (f"a mount of {container['name']} has {key}"
                        for key in set(mount) - MOUNT_KEYS)


def check_images(stack):
    for container in stack.spec["containers"]:
        if not PINNED.fullmatch(container["image"]):
            yield f"{container['image']} has no pinned version, or names a host"


def check_config_maps(stack):
    used = [stack.volumes[mount["name"]]
            for container in stack.spec["containers"] for mount in container["volumeMounts"]]
    if sorted(used) != sorted(stack.config_maps):
        yield f"mounted are {sorted(used)}, there are {sorted(stack.config_maps)}"
    for name, data in stack.config_maps.items():
        if sum(len(text.encode()) for text in data.values()) > CONFIG_MAP_LIMIT:
            yield f"{name} is larger than Kubernetes lets a ConfigMap be"


def check_paths(stack):
    """Each file that is named is mounted where its container looks for it."""
    for container in stack.spec["containers"]:
        there = set(stack.mounted(container)) | {m["mountPath"] for m in container["volumeMounts"]}
        for text in stack.texts(container):
            for path in re.findall(r"/etc/[\w./-]+", text):
                if path not in there:
                    yield f"{container['name']}: {path} is not mounted"


def check_ports(stack):
    texts = [text for c in stack.spec["containers"] for text in stack.texts(c)]
    found = {port for text in texts for port in re.findall(r"127\.0\.0\.1:(\d+)", text)}
    if found != PORTS:
        yield f"the ports {sorted(found)} instead of {sorted(PORTS)}"
    for text in texts:
        for line in re.findall(r".*(?:localhost|0\.0\.0\.0|\[::\]).*", text):
            yield f"not on 127.0.0.1: {line.strip()}"
    listens = {"name": "GF_SERVER_HTTP_ADDR", "value": "127.0.0.1"}
    if listens not in stack.container("grafana")["env"]:
        yield "Grafana listens beyond 127.0.0.1"


def check_collector(stack):
    """Each component is in a pipeline, and none in a pipeline is missing."""
    config = yaml.safe_load(stack.files("collector")["collector.yaml"])
    for kind in ("receivers", "processors", "exporters"):
        used = {name for pipeline in config["service"]["pipelines"].values()
                for name in pipeline[kind]}
        if used != set(config[kind]):
            yield f"{kind}: {sorted(config[kind])} are defined, {sorted(used)} are used"


def check_grafana(stack):
    sources = yaml.safe_load(stack.files("datasources")["datasources.yaml"])
    kinds = [(source["type"], source["isDefault"]) for source in sources["datasources"]]
    if kinds != [("prometheus", True)]:
        yield f"not one Prometheus, the default: {kinds}"


def check_prometheus(stack):
    """promtool reads the configuration and the rules from the files as they will be mounted."""
    if not shutil.which("promtool"):
        print("promtool is missing (Debian package prometheus): Prometheus's files are not checked")
        return
    with tempfile.TemporaryDirectory() as folder:
        for name, text in stack.files("prometheus").items():
            moved = text.replace("/etc/prometheus", folder)
            (pathlib.Path(folder) / name).write_text(moved, encoding="utf-8")
        result = subprocess.run(["promtool", "check", "config", f"{folder}/prometheus.yml"],
                                capture_output=True, text=True)
        if result.returncode or "SUCCESS: 0 rules" in result.stdout:
            yield result.stdout + result.stderr


def job_of(board):
    return next(v for v in board["templating"]["list"] if v["name"] == "job")


def check_sources(stack, root):
    """The rules and dashboards are those of this checkout, but for the job chosen at first."""
    rules = (root / "deploy/prometheus/rules.yaml").read_text(encoding="utf-8")
    if stack.files("prometheus")["rules.yaml"] != rules:
        yield "rules.yaml is not deploy/prometheus/rules.yaml"
    prometheus = stack.files("prometheus")["prometheus.yml"]
    scraped = yaml.safe_load(prometheus)["scrape_configs"][0]["job_name"]
    ours = {path.name: json.loads(path.read_text(encoding="utf-8"))
            for path in (root / "dashboards").glob("*.json")}
    theirs = {name: json.loads(text) for name, text in
              stack.files("dashboards").items() if name.endswith(".json")}
    for name, board in theirs.items():
        if job_of(board)["current"]["value"] != [scraped]:
            yield f"{name} begins with another job than {scraped}"
        job_of(board)["current"] = job_of(ours[name])["current"] if name in ours else None
    if theirs != ours:
        yield "the dashboards are not those of dashboards/"


def check_all(stack, root):
    for check in (check_kinds, check_keys, check_images, check_config_maps, check_paths,
                  check_ports, check_collector, check_grafana):
        yield from check(stack)
    yield from check_sources(stack, root)


def replace(stack, volume, key, old, new):
    data = stack.files(volume)
    assert old in data[key]
    data[key] = data[key].replace(old, new)


# What each does to a copy of the good file must be found, in these words.
BAD_SAMPLES = {
    "not one Pod": lambda s: s.documents.append({"kind": "DaemonSet"}),
    "the pod has initContainers": lambda s: s.spec.update(initContainers=[]),
    "has readinessProbe": lambda s: s.container("grafana").update(readinessProbe={}),
    "has subPath": lambda s: s.container("grafana")["volumeMounts"][0].update(subPath="x"),
    "no pinned version": lambda s: s.container("grafana").update(image="grafana/grafana:latest"),
    "names a host": lambda s: s.container("grafana").update(image="a.example/b/c:1.2.3"),
    "mounted are": lambda s: s.config_maps.update(spare={}),
    "larger than": lambda s: s.files("collector").update(x="x" * (1 << 20)),
    "/etc/prometheus/prometheus.yml is not mounted":
        lambda s: s.container("prometheus")["volumeMounts"][0].update(mountPath="/etc/other"),
    "the ports": lambda s: replace(s, "datasources", "datasources.yaml", "9090", "9091"),
    "not on 127.0.0.1": lambda s: replace(s, "collector", "collector.yaml",
                                          "127.0.0.1:4317", "0.0.0.0:4317"),
    "Grafana listens": lambda s: s.container("grafana").update(env=[]),
    "receivers: ": lambda s: replace(s, "collector", "collector.yaml", "[otlp]", "[otlp, zipkin]"),
    "not one Prometheus": lambda s: replace(s, "datasources", "datasources.yaml",
                                            "type: prometheus", "type: loki"),
    "rules.yaml is not": lambda s: replace(s, "prometheus", "rules.yaml", "0.9", "0.8"),
    "begins with another job": lambda s: replace(s, "prometheus", "prometheus.yml",
                                                 "job_name: bpftally", "job_name: other"),
    "the dashboards are not": lambda s: s.files("dashboards").popitem(),
}


def run(root):
    documents = list(yaml.safe_load_all((root / "metrics-stack.yaml").read_text(encoding="utf-8")))
    stack = Stack(documents)
    found = [*check_all(stack, root), *check_prometheus(stack)]
    for words, spoil in BAD_SAMPLES.items():
        bad = Stack(copy.deepcopy(documents))
        spoil(bad)
        if not any(words in finding for finding in check_all(bad, root)):
            found.append(f"a bad sample passes: {words}")
    return found
