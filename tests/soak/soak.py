"""soak.sh's work; see there."""

import argparse
import contextlib
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests" / "e2e"))

# pylint: disable=wrong-import-position
import clients
import readings
import script
import sinks
from processes import start_bpftally, wait_for
from prometheus import start_prometheus
from watch import Watch

SHORT_SECONDS = 45
AROUND_SECONDS = 20  # of a short run, for warming up and settling
MODE_SECONDS = 4
PROGRAMS = "syscalls,execs,softirq-latency"  # maps that always change, of several types


class Exporter:
    def __init__(self, stack, binary, folder, http_sink, grpc_sink):
        self.log = folder / "bpftally.log"
        self.child, self.port = start_bpftally(
            stack, binary, self.log, "--run-stats", "--scan-map-entries", "--collector.program-maps",
            f"--programs={PROGRAMS}", f"--otlp-http={http_sink.address()}", f"--otlp-grpc={grpc_sink.address()}",
            "--otlp-interval=1s", env=os.environ | {"OTEL_EXPORTER_OTLP_TIMEOUT": "2000"})
        self.pid = self.child.pid

    def pushes_arrive(self):
        ups = re.findall(r"^bpftally_otlp_up{.*} (\d)$", clients.scrape(self.port).decode(), re.MULTILINE)
        return ups == ["1", "1"]

    def complaints(self):
        lines = [line for line in self.log.read_text().splitlines() if re.search("level=(warn|error)", line)]
        return "\n".join(lines[-20:])

    def end(self):
        """What is wrong with its end, in words."""
        owned = readings.owned(self.pid)
        self.child.send_signal(signal.SIGTERM)
        try:
            status = self.child.wait(timeout=20)
            if status != 0:
                yield f"ended with status {status}"
        except subprocess.TimeoutExpired:
            yield "did not end within 20 s of SIGTERM"
            return
        if not owned:
            yield "had no object of its own: too little was tested"
        deadline = time.monotonic() + 10  # the kernel frees in its own time
        while (left := owned & readings.in_kernel()) and time.monotonic() < deadline:
            time.sleep(0.2)
        if left:
            yield f"left in the kernel: {sorted(left)}"


class Load:
    """Objects that come and go, clients, and sinks that flap."""

    def __init__(self, stack, exporter, churner, all_sinks):
        self.sinks = all_sinks
        self.churner = stack.enter_context(subprocess.Popen([churner], stdout=subprocess.PIPE, text=True))
        stack.callback(self.churner.kill)
        self.clients = [clients.Client(visit, exporter.port) for visit in clients.ALL]

    def run(self, exporter, seconds):
        """The resident memory of each second."""
        samples = []
        end = time.monotonic() + seconds
        while time.monotonic() < end and exporter.child.poll() is None:
            if len(samples) % MODE_SECONDS == 0:
                step = len(samples) // MODE_SECONDS
                for offset, sink in enumerate(self.sinks):
                    sink.become(sinks.MODES[(step + offset) % len(sinks.MODES)])
            samples.append(readings.resident(exporter.pid))
            time.sleep(1)
        return samples

    def stop(self, seconds):
        """What went wrong meanwhile, in words."""
        for client in self.clients:
            client.stop()
        self.churner.terminate()
        made, _ = self.churner.communicate()
        for sink in self.sinks:
            sink.become(sinks.TAKE)
        print(f"{made.strip()} objects made and dropped; visits: "
              + ", ".join(f"{client.done} {client.name}" for client in self.clients))
        if self.churner.returncode != 0 or int(made) < 50 * seconds:
            yield f"the churner made {made.strip() or 'nothing'}, status {self.churner.returncode}"
        for client in self.clients:
            if client.failures or client.done < seconds / 4:
                yield f"{client.name}: {client.done} good, {len(client.failures)} bad: {client.failures[:3]}"


def judge_memory(samples):
    growth = readings.growth(samples)
    print(f"resident: {samples[0] >> 10} KiB at first, {max(samples) >> 10} at most, {samples[-1] >> 10} at last; "
          f"medians of thirds {growth / 1024:+.0f} KiB")
    if growth > readings.MAY_GROW_BYTES:
        yield f"resident memory grew by {growth} bytes: {samples[::max(1, len(samples) // 20)]}"


def settle(exporter, before):
    """What is still more than before a minute after the load, in words: the server keeps idle connections for 30 s."""
    deadline = time.monotonic() + 60
    while True:
        after = readings.calm(exporter.pid)
        grown = list(readings.grown(before, after))
        if not grown or time.monotonic() > deadline:
            print(f"at rest before: {dict(before)}\nat rest after:  {dict(after)}")
            return grown


def soak(stack, build, seconds):
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory()))
    http_sink = sinks.HttpSink(stack)
    grpc_sink = sinks.GrpcSink(stack, build / "tests/soak/soak_grpc_sink")
    exporter = Exporter(stack, build / "src/bpftally", folder, http_sink, grpc_sink)
    watch = Watch(start_prometheus(stack, folder, f"127.0.0.1:{exporter.port}"))
    wait_for("Prometheus has scraped", lambda: watch.scrapes() >= 5)
    wait_for("both receivers have what was pushed", exporter.pushes_arrive)
    before = readings.calm(exporter.pid)
    started, scrapes = time.monotonic(), watch.scrapes()

    load = Load(stack, exporter, build / "tests/soak/soak_churner", (http_sink, grpc_sink))
    found = list(judge_memory(load.run(exporter, seconds)))
    found += load.stop(seconds)
    if exporter.child.poll() is not None:
        return found + [f"bpftally ended with {exporter.child.returncode}: {exporter.log.read_text()[-2000:]}"]
    wait_for("pushes arrive again", exporter.pushes_arrive, seconds=150)
    found += settle(exporter, before)

    passed = time.monotonic() - started
    scrapes = watch.scrapes() - scrapes
    print(f"Prometheus scraped {scrapes} times in {passed:.0f} s, {len(watch.counters())} counters")
    if scrapes < passed * 0.8:
        found.append(f"Prometheus scraped only {scrapes} times in {passed:.0f} s")
    window = f"{int(passed)}s"
    print(f"at most in the kernel: {watch.most_objects(window)}")
    found += watch.found(window)
    found += exporter.end()
    if found:
        print(exporter.complaints())
    return found


def require(build):
    script.require_root("bpftally reads the kernel's BPF objects")
    script.require_tools("prometheus", "bpftool")
    for made in ("src/bpftally", "tests/soak/soak_churner"):
        if not (build / made).exists():
            sys.exit(f"soak.sh: {build / made} is not there: build it first, or say where with --build")
    if not (build / "tests/soak/soak_grpc_sink").exists():
        raise script.CannotRun("built without BPFTALLY_OTLP")


def run(options):
    require(options.build)
    with contextlib.ExitStack() as stack:
        seconds = SHORT_SECONDS - AROUND_SECONDS if options.short else 60 * options.minutes
        return soak(stack, options.build, seconds)


def main():
    parser = argparse.ArgumentParser(prog="soak.sh")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "tests")
    parser.add_argument("--short", action="store_true", help=f"about {SHORT_SECONDS} seconds")
    parser.add_argument("minutes", type=float, nargs="?", default=10)
    options = parser.parse_args()
    script.run(lambda: run(options), "nothing grew, nothing went backwards, every scrape succeeded")


if __name__ == "__main__":
    main()
