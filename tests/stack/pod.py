"""podman runs metrics-stack.yaml, with stand-ins under the names of the images.

No registry is asked. The Prometheus is this host's, in a container like that of its image. Of the
others only what podman gives them is seen: their files, as their users see them. podman keeps all
that is its own in a folder of the test's.
"""

import contextlib
import io
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import tarfile
import tempfile
import time
import urllib.error
import urllib.request

import yaml

import generate
import processes
import script
import wiring
from prometheus import Prometheus

SHELL_TOOLS = ("sh", "sleep", "cat", "ls", "true")
NOBODY = 65534
WAITS = json.dumps(["/bin/sh", "-c", "exec /bin/sleep infinity"])
# As the real images: who runs, what is started, and files that a mount must hide.
IMAGES = {
    "prometheus": {"user": str(NOBODY), "entrypoint": '["/bin/prometheus"]',
                   "tools": (*SHELL_TOOLS, "prometheus"), "volume": "/prometheus",
                   "hidden": "/etc/prometheus/prometheus.yml"},
    "collector": {"user": "10001:10001", "entrypoint": WAITS, "tools": SHELL_TOOLS,
                  "hidden": "/etc/otelcol-contrib/config.yaml"},
    "grafana": {"user": "472:0", "entrypoint": WAITS, "tools": SHELL_TOOLS,
                "hidden": "/etc/grafana/provisioning/dashboards/sample.yaml"},
}
PAUSE = "localhost/bpftally-test/pause:1.0.0"


def runtime():
    return shutil.which("runc") or shutil.which("crun")


def require():
    script.require_root("podman runs containers of other users here")
    script.require_tools("podman", "prometheus")
    if not runtime():
        raise script.CannotRun("neither runc nor crun is there")


def libraries(tool):
    listed = subprocess.run(["ldd", tool], capture_output=True, text=True).stdout
    return re.findall(r"(/\S+) \(0x", listed)


class RootFileSystem:
    """A tar of some of this host's tools, and what they link."""

    def __init__(self, path):
        self.tar = tarfile.open(path, "w")
        self.names = set()

    def add_directory(self, path, owner=0):
        for parent in (*reversed(pathlib.PurePath(path).parents[:-1]), pathlib.PurePath(path)):
            name = str(parent).lstrip("/")
            if name in self.names:
                continue
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            entry.uid = owner if str(parent) == path else 0
            self.add(entry)

    def add_file(self, path, data, mode=0o644):
        self.add_directory(str(pathlib.PurePath(path).parent))
        entry = tarfile.TarInfo(path.lstrip("/"))
        entry.size, entry.mode = len(data), mode
        self.add(entry, io.BytesIO(data))

    def add_tool(self, name):
        tool = shutil.which(name)
        self.add_file(f"/bin/{name}", pathlib.Path(tool).read_bytes(), 0o755)
        for library in libraries(tool):
            if library.lstrip("/") not in self.names:
                self.add_file(library, pathlib.Path(library).read_bytes(), 0o755)

    def add(self, entry, data=None):
        self.names.add(entry.name)
        self.tar.addfile(entry, data)


class Podman:
    """With storage, locks and networks of its own."""

    def __init__(self, stack, folder):
        self.folder = folder
        (folder / "containers.conf").write_text(f"""
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
infra_command = "/bin/sleep infinity"
infra_image = "{PAUSE}"
lock_type = "file"
runtime = "{runtime()}"
tmp_dir = "{folder}/tmp"
[network]
network_config_dir = "{folder}/networks"
""")
        (folder / "storage.conf").write_text(f"""
[storage]
driver = "vfs"
graphroot = "{folder}/storage"
runroot = "{folder}/run"
""")
        (folder / "registries.conf").write_text("unqualified-search-registries = []\n")
        self.environment = {**os.environ, "CONTAINERS_CONF": str(folder / "containers.conf"),
                            "CONTAINERS_STORAGE_CONF": str(folder / "storage.conf"),
                            "CONTAINERS_REGISTRIES_CONF": str(folder / "registries.conf")}
        stack.callback(self.remove_all)

    def start(self, *arguments):
        return subprocess.run(["podman", *map(str, arguments)], env=self.environment,
                              capture_output=True, text=True, timeout=120)

    def run(self, *arguments):
        result = self.start(*arguments)
        if result.returncode:
            raise RuntimeError(f"podman {' '.join(map(str, arguments))}: {result.stderr.strip()}")
        return result.stdout

    def lines(self, *arguments):
        return self.run(*arguments).split()

    def pid(self, container):
        """0 while it does not run."""
        return int(self.run("inspect", "--format", "{{.State.Pid}}", container))

    def import_image(self, name, tools, user="0", entrypoint=WAITS, volume=None, hidden=None):
        path = self.folder / "root.tar"
        root = RootFileSystem(path)
        root.add_directory("/tmp")
        if hidden:
            root.add_file(hidden, b"of the image\n")
        if volume:
            root.add_directory(volume, NOBODY)
        for tool in tools:
            root.add_tool(tool)
        root.tar.close()
        # A shell or sleep that is process 1 takes no SIGTERM.
        changes = ["ENV PATH=/bin", "STOPSIGNAL SIGKILL", f"USER {user}",
                   f"ENTRYPOINT {entrypoint}"]
        changes += [f"VOLUME {volume}"] if volume else []
        self.run("import", *(part for change in changes for part in ("--change", change)),
                 path, name)
        path.unlink()

    def remove_all(self):
        self.start("pod", "rm", "--force", "--all", "--time", "0")
        self.start("rm", "--force", "--all", "--time", "0")
        self.start("volume", "rm", "--force", "--all")
        self.start("rmi", "--force", "--all")

    def processes(self):
        """Whatever names our folder: monitors of containers, containers being set up."""
        for entry in pathlib.Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                if str(self.folder).encode() in entry.read_bytes():
                    yield entry.parent.name


class PodPrometheus(Prometheus):
    """The one in the pod."""

    def first_scrape(self):
        """When it was: the oldest of what is stored."""
        return self.values("min_over_time(timestamp(up)[1h:1s])")

    def takes_remote_write(self):
        """It refuses what is no write, but not for having no such receiver."""
        try:
            with urllib.request.urlopen(self.url + "/api/v1/write", b"no write", timeout=5):
                return True
        except urllib.error.HTTPError as error:
            return error.code == 400


def choose_ports(exporter_port):
    """What is free here instead of the stack's ports."""
    return {port: str(processes.free_port()) for port in wiring.PORTS} | {"9435": exporter_port}


def with_own(ports, text):
    """On these ports, and with less patience."""
    for port, own in ports.items():
        text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{own}")
    return text.replace("_interval: 15s", "_interval: 1s")


def versions(root):
    """The file, and a newer one that has a dashboard under another name."""
    yield (root / "metrics-stack.yaml").read_text(encoding="utf-8")
    sources = generate.read_sources()
    dashboards = sources["metrics-stack-dashboards"]
    dashboards["renamed.json"] = dashboards.pop("ebpf-maps.json")
    yield generate.generate(sources)


def name_of(container):
    return f"metrics-stack-{container['name']}"


def check_files(podman, stack):
    """Each container sees its files, whole, as its own user, and no file of its image beside."""
    for container in stack.spec["containers"]:
        mounted = stack.mounted(container)
        for path, text in mounted.items():
            if podman.run("exec", name_of(container), "cat", path) != text:
                yield f"{container['name']}: {path} is not as in the file"
        for mount in container["volumeMounts"]:
            folder = mount["mountPath"]
            there = podman.lines("exec", name_of(container), "ls", folder)
            if there != sorted(pathlib.PurePath(p).name for p in mounted if p.startswith(folder)):
                yield f"{container['name']}: in {folder} is {there}"


def check_arguments(podman, stack):
    for container in stack.spec["containers"]:
        config = json.loads(podman.run("inspect", name_of(container)))[0]["Config"]
        if "args" in container and config["Cmd"] != container["args"]:
            yield f"{container['name']} was started with {config['Cmd']}"
        for variable in container.get("env", []):
            if f"{variable['name']}={variable['value']}" not in config["Env"]:
                yield f"{container['name']} lacks {variable['name']}"


def check_prometheus(prometheus, stack):
    processes.wait_for("Prometheus is ready", prometheus.is_ready)
    processes.wait_for("the exporter is scraped",
                       lambda: prometheus.instant('sum(bpf_programs{job="bpftally"}) > 0'))
    processes.wait_for("a rule gives data", lambda: prometheus.instant("map:bpf_map_entries:ratio"))
    if prometheus.values("up") != [1]:
        yield f"up is {prometheus.instant('up')}"
    ours = yaml.safe_load(stack.files("prometheus")["rules.yaml"])["groups"]
    loaded = {group["name"] for group in prometheus.ask("rules")["groups"]}
    if loaded != {group["name"] for group in ours}:
        yield f"loaded are the rules {sorted(loaded)}"
    if not prometheus.takes_remote_write():
        yield "Prometheus takes no remote write"


def check_crash(podman, prometheus):
    """Who dies is started again, and knows what it knew."""
    name = "metrics-stack-prometheus"
    first = prometheus.first_scrape()
    died = processes.wait_for("Prometheus runs", lambda: podman.pid(name))
    os.kill(died, signal.SIGKILL)
    processes.wait_for("podman starts Prometheus again", lambda: podman.pid(name) not in (0, died))
    processes.wait_for("Prometheus is ready again", prometheus.is_ready)
    if prometheus.first_scrape() != first:
        yield f"scrapes are stored from {prometheus.first_scrape()} on, before the crash from {first} on"


def check_down(podman, stack, file):
    """Only the ConfigMaps' volumes outlive the pod."""
    before = [int(pid) for pid in podman.lines("ps", "--format", "{{.Pid}}")]
    podman.run("kube", "down", file)
    processes.wait_for("no process is left", lambda: not list(podman.processes()), 10)
    yield from (f"process {pid} is left" for pid in before if pathlib.Path(f"/proc/{pid}").exists())
    for kind in (("ps", "--all", "--quiet"), ("pod", "ls", "--quiet")):
        yield from (f"{kind[0]} lists {left}" for left in podman.lines(*kind))
    ours, volumes = (set(podman.lines("volume", "ls", "--quiet", *filters))
                     for filters in (("--filter", "name=metrics-stack-"), ()))
    if ours != volumes or not set(stack.config_maps) <= ours:
        yield f"of {sorted(stack.config_maps)} the volumes {sorted(volumes)} are left"


def check_started(podman, stack):
    running = podman.lines("ps", "--format", "{{.Names}}")
    for container in stack.spec["containers"]:
        if name_of(container) not in running:
            yield f"{container['name']} does not run: {podman.start('logs', name_of(container))}"


def import_images(podman, stack):
    podman.import_image(PAUSE, SHELL_TOOLS)
    result = podman.start("run", "--rm", "--network=host", "--entrypoint=/bin/true", PAUSE)
    if result.returncode:
        raise script.CannotRun(f"podman cannot run containers here: {result.stderr.strip()[-300:]}")
    for container in stack.spec["containers"]:
        podman.import_image(container["image"], **IMAGES[container["name"]])


def check_up(podman, text, prometheus):
    """From play to down, all that can be seen of it."""
    file = podman.folder / "metrics-stack.yaml"
    file.write_text(text, encoding="utf-8")
    stack = wiring.parse(text)
    started = time.monotonic()
    podman.run("play", "kube", file)
    found = list(check_started(podman, stack))
    if not found:
        found += check_files(podman, stack)
        found += check_arguments(podman, stack)
        found += check_prometheus(prometheus, stack)
        found += check_crash(podman, prometheus)
    found += check_down(podman, stack, file)
    print(f"from play to down: {time.monotonic() - started:.1f} s")
    return found


def run(root, binary):
    require()
    with contextlib.ExitStack() as stack:
        folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
        podman = Podman(stack, folder)
        snapshot = root / "tests/fixtures/small_host.yaml"
        _, port = processes.start_bpftally(stack, binary, folder / "bpftally.log", f"--replay={snapshot}")
        ports = choose_ports(port)
        prometheus = PodPrometheus(ports["9090"])
        texts = [with_own(ports, text) for text in versions(root)]
        import_images(podman, wiring.parse(texts[0]))
        return [line for text in texts for line in check_up(podman, text, prometheus)]
