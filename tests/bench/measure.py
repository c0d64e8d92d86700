"""Measures benchmarks, other programs, and the real exporter for the rows of table.py."""
import json
import os
import signal
import socket
import subprocess
import tempfile
import time
import urllib.request
from collections import defaultdict
from contextlib import contextmanager
from pathlib import Path
from statistics import median

TO_NANOSECONDS = {"ns": 1, "us": 1e3, "ms": 1e6, "s": 1e9}


class Broken(Exception):
    """The measured program does not run, or does not do what the row says."""


class Samples:
    """Samples by name; a lookup returns their median."""

    def __init__(self):
        self.values = defaultdict(list)

    def add(self, name, value):
        self.values[name].append(value)

    def __getitem__(self, name):
        if name not in self.values:
            raise Broken(f"nothing measured {name}")
        return median(self.values[name])

    def get(self, name):
        return self[name] if name in self.values else None


def run_benchmark(samples, binary, pattern, repetitions, seconds):
    """Adds Google Benchmark's CPU time and counters of each case, by the names that it prints."""
    result = subprocess.run(
        [binary, f"--benchmark_filter={pattern}", f"--benchmark_repetitions={repetitions}",
         f"--benchmark_min_time={seconds}", "--benchmark_enable_random_interleaving=true",
         "--benchmark_format=json"], stdout=subprocess.PIPE, check=True)
    for case in json.loads(result.stdout)["benchmarks"]:
        if case.get("error_occurred"):
            raise Broken(f"{case['name']}: {case['error_message']}")
        if case["run_type"] != "iteration":
            continue
        name = case["run_name"]
        samples.add(name, case["cpu_time"] * TO_NANOSECONDS[case["time_unit"]])
        for counter in ("kernel_calls", "MiB_above_idle", "series"):
            if counter in case:
                samples.add(f"{name} {counter}", case[counter])


def cpu_of(command):
    """Runs a process and returns its CPU and wall nanoseconds."""
    start = time.monotonic_ns()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise Broken(f"{' '.join(command)}: exit status {child.returncode}")
    return (usage.ru_utime + usage.ru_stime) * 1e9, time.monotonic_ns() - start


def cpu_nanoseconds(process):
    """CPU nanoseconds of all threads of a running process, including threads that have ended."""
    return time.clock_gettime_ns((~process.pid << 3) | 2)  # its CLOCK_PROCESS_CPUTIME_ID


class Tool:
    """One of our programs that answer each line of input with one line."""

    def __init__(self, *command):
        start = time.monotonic_ns()
        self.process = subprocess.Popen([str(part) for part in command], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise Broken(f"{command[0]}: exit status {self.process.wait()}")
        self.start_wall = time.monotonic_ns() - start
        self.start_cpu = cpu_nanoseconds(self.process)

    def ask(self, line):
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline()
        if not answer:
            raise Broken(f"{self.process.args[0]}: no answer to {line}")
        return [int(field) for field in answer.split()]

    def end(self):
        self.process.stdin.close()
        if self.process.wait():
            raise Broken(f"{self.process.args[0]}: exit status {self.process.returncode}")


@contextmanager
def tool(*command):
    running = Tool(*command)
    try:
        yield running
    finally:
        running.end()


class Exporter:
    """The real binary, from its start to its end."""

    def __init__(self, binary, *flags):
        with socket.socket(socket.AF_INET) as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        with tempfile.TemporaryDirectory() as folder, \
                socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notified:
            notified.bind(f"{folder}/notify")
            notified.settimeout(0.2)
            start = time.monotonic_ns()
            self.process = subprocess.Popen(
                [binary, f"--web.listen-address=127.0.0.1:{self.port}", "--log.level=error", *flags],
                env={**os.environ, "NOTIFY_SOCKET": f"{folder}/notify"})
            self.wait_for_ready(notified)
            self.start_wall = time.monotonic_ns() - start
        self.start_cpu = self.cpu()

    def wait_for_ready(self, notified):
        while self.process.poll() is None:
            try:
                if b"READY=1" in notified.recv(4096):
                    return
            except socket.timeout:
                continue
        raise Broken(f"bpftally: exit status {self.process.returncode} at its start")

    def end(self):
        """Sends SIGTERM and returns the nanoseconds until the exit."""
        start = time.monotonic_ns()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait()
        if self.process.returncode:
            raise Broken(f"bpftally: exit status {self.process.returncode}")
        return time.monotonic_ns() - start

    def cpu(self):
        return cpu_nanoseconds(self.process)

    def text(self):
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as answer:
            return answer.read().decode()

    def scrape(self):
        """Returns the nanoseconds until the last byte; drops the bytes as they arrive."""
        buffer, size = bytearray(1 << 20), 0
        start = time.monotonic_ns()
        with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
            connection.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            while received := connection.recv_into(buffer):
                size += received
        if not size:
            raise Broken("bpftally closed the connection without an answer")
        return time.monotonic_ns() - start

    def memory(self, field):
        """Returns bytes from /proc: VmRSS, VmHWM, or Private_Dirty (memory not shared with others)."""
        name = "smaps_rollup" if field.startswith("Private") else "status"
        for line in Path(f"/proc/{self.process.pid}/{name}").read_text().splitlines():
            if line.startswith(f"{field}:"):
                return int(line.split()[1]) * 1024
        raise Broken(f"/proc has no {field}")

    def forget_peak(self):
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")


@contextmanager
def exporter(binary, *flags):
    running = Exporter(binary, *flags)
    try:
        yield running
    finally:
        if running.process.poll() is None:
            running.end()


def bpf_calls(target, action):
    """Counts the bpf(2) calls of all threads of a process during an action."""
    with tempfile.NamedTemporaryFile("r") as counts:
        strace = subprocess.Popen(["strace", "-f", "-c", "-e", "trace=bpf", "-o", counts.name, "-p", str(target)],
                                  stderr=subprocess.PIPE, text=True)
        if "attached" not in strace.stderr.readline():
            raise Broken("strace cannot attach")
        action()
        strace.send_signal(signal.SIGINT)
        strace.communicate()
        for line in counts:
            fields = line.split()
            if fields and fields[-1] == "bpf":
                return int(fields[3])
    return 0
