#!/usr/bin/env python3
"""table.py BUILD [--quick]: prints the costs of bpftally as one table; run.sh lists the requirements.

Each figure is followed by its ratio to a baseline, which does only the unavoidable part of the work, and by its ratio to
an alternative that Debian packages. All are measured in the same rounds.
"""
import argparse
import json
import platform
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from measure import Broken, Samples, bpf_calls, cpu_of, exporter, run_benchmark, tool

KINDS = {"HASH": "hash", "PERCPU_HASH": "per-CPU hash"}
SERIES = "ebpf_exporter_bench_entries_total{"


COLUMNS = 4


class Row(NamedTuple):
    """Cost of something at one size, and the (name, cost) pairs that it is compared with."""
    what: str
    size: int
    cost: float
    baseline: tuple = None
    instead: tuple = None


class Sizes:
    def __init__(self, quick):
        self.objects = [10] if quick else [10, 100, 1_000, 5_000]
        self.entries = [10_000] if quick else [10_000, 100_000, 1_000_000]
        self.rounds = 2 if quick else 5
        self.starts = 1 if quick else 3  # a round
        self.repetitions = 2 if quick else 3
        self.seconds = 0.001 if quick else 0.05
        self.scrapes = 3 if quick else 15


class Bench:
    def __init__(self, build, sizes):
        self.build, self.sizes = Path(build).resolve(), sizes
        self.tools = self.build / "tests/bench"
        self.exporter = str(self.build / "src/bpftally")
        self.of_objects, self.of_entries = [], []

    def benchmark(self, samples, binary, pattern):
        run_benchmark(samples, str(self.tools / binary), pattern, self.sizes.repetitions, self.sizes.seconds)

    # --- the census --------------------------------------------------------------------------

    def census(self):
        for count in self.sizes.objects:
            progress(f"the census over {count:,} of each kind")
            with tool(self.tools / "population", count):
                samples = Samples()
                for _ in range(self.sizes.rounds):
                    self.benchmark(samples, "census_bench", "/3$|BareIdWalk|WholePoll")
                    samples.add("bpftool", sum(cpu_of(["bpftool", "-j", kind, "show"])[0]
                                               for kind in ("prog", "map", "link")))
                    self.run_once(samples)
            self.census_rows(count, samples)

    def run_once(self, samples):
        """Measures from start to end; memory is read after the first scrape."""
        for _ in range(self.sizes.starts):
            with exporter(self.exporter) as running:
                samples.add("start", running.start_cpu)
                samples.add("start wall", running.start_wall)
                running.scrape()
                samples.add("memory", running.memory("VmRSS"))
                samples.add("own memory", running.memory("Private_Dirty"))
                samples.add("end wall", running.end())
            with tool(self.tools / "population", 0) as minimal:
                samples.add("minimal start", minimal.start_cpu)
                samples.add("minimal start wall", minimal.start_wall)
            cpu, wall = cpu_of(["bpftool", "-j", "prog", "show"])
            samples.add("bpftool prog", cpu)
            samples.add("bpftool prog wall", wall)

    def census_rows(self, count, samples):
        def add(what, *costs):
            self.of_objects.append(Row(what, count, *costs))
        id_walk = ("bare id walk", samples["BM_BareIdWalk"])
        bpftool = ("`bpftool prog`, `map`, `link`", samples["bpftool"])
        add("census by iterators", samples["BM_CensusIterators/3"],
            ("minimal iterators", samples["BM_MinimalIterators/3"]), bpftool)
        add("poll by iterators", samples["BM_WholePoll"], id_walk, bpftool)
        add("poll with run statistics", samples["BM_WholePollWithRunStats"], id_walk, bpftool)
        add("poll by system calls", samples["BM_WholePollBySyscall"], id_walk, bpftool)
        for clock, suffix in (("", ""), (", wall clock", " wall")):
            add(f"start to ready{clock}", samples[f"start{suffix}"],
                ("minimal iterators", samples[f"minimal start{suffix}"]),
                ("`bpftool prog`", samples[f"bpftool prog{suffix}"]))
        add("SIGTERM to exit, wall clock", samples["end wall"])
        add("idle memory, of its own", Bytes(samples["own memory"]))
        add("idle memory, resident", Bytes(samples["memory"]))

    # --- text and OTLP -----------------------------------------------------------------------

    def add(self, what, size, *costs):
        self.of_entries.append(Row(what, size, *costs))

    def formats(self):
        progress("text and OTLP")
        samples = Samples()
        sizes = "|".join(f"/{count}" for count in self.sizes.entries)
        for _ in range(self.sizes.rounds):
            self.benchmark(samples, "text_bench", f"(Write/|BaselineNumbers|PrometheusCpp).*({sizes})$")
            if (self.tools / "otlp_bench").exists():
                self.benchmark(samples, "otlp_bench", f"Baseline.*({sizes})$|Encode/cumulative({sizes})/0$")
        for count in self.sizes.entries:
            baseline = ("bare numbers", samples[f"BaselineNumbers/{count}"])
            instead = ("prometheus-cpp", samples[f"PrometheusCpp/{count}"])
            self.add("series as text", count, samples[f"Write/prometheus/{count}"], baseline, instead)
            self.add("series as OpenMetrics", count, samples[f"Write/openmetrics/{count}"], baseline, instead)
        for count in self.sizes.entries if samples.get(f"BaselineProtobufs/{self.sizes.entries[0]}") else []:
            self.add("points as OTLP", count, samples[f"Encode/cumulative/{count}/0"],
                     ("bare protobufs", samples[f"BaselineProtobufs/{count}"]))

    # --- metric programs ---------------------------------------------------------------------

    def metric_programs(self):
        for kind in KINDS:
            for entries in self.sizes.entries:
                progress(f"a metric program's {KINDS[kind]} of {entries:,}")
                self.in_process(kind, entries)
                self.over_http(kind, entries)

    def in_process(self, kind, entries):
        samples = Samples()
        for _ in range(self.sizes.rounds):
            self.benchmark(samples, "programs_bench", f"(BareText|Scrape)/{kind}/{entries}$")
        self.add(f"{KINDS[kind]}: poll and text", entries, samples[f"Scrape/{kind}/{entries}"],
                 ("batch read, bare text", samples[f"BaselineBatchReadAndBareText/{kind}/{entries}"]))

    def over_http(self, kind, entries):
        samples = Samples()
        flags = (f"--config.dir={self.tools / 'programs'}", f"--config.names=bench_{kind}_{entries}",
                 "--poll-interval=0")  # otherwise a scrape may share a poll that has begun
        with exporter(self.exporter, *flags) as running:
            map_id = newest_map("bench_entries_t")
            with tool(self.tools / "map_tool", map_id) as baseline:
                check_same_lines(running.text(), baseline, entries)
                self.scrape_rounds(samples, running, baseline)
                dump = ["bpftool", "-j", "map", "dump", "id", str(map_id)]
                for _ in range(min(3, self.sizes.rounds)):
                    samples.add("bpftool", cpu_of(dump)[0])
                if shutil.which("strace"):
                    samples.add("calls", bpf_calls(running.process.pid, running.scrape))
                    samples.add("baseline calls", bpf_calls(baseline.process.pid, lambda: baseline.ask("text")))
        self.http_rows(f"{KINDS[kind]}: scrape over HTTP", entries, samples)

    def scrape_rounds(self, samples, running, baseline):
        """Scrapes and baseline in turn. Both read a map that is not in the cache: its copy was read just before."""
        idle = running.memory("VmRSS")
        running.forget_peak()
        for _ in range(self.sizes.scrapes):
            baseline.ask("warm")
            _, wall, cpu = baseline.ask("text")
            samples.add("baseline wall", wall)
            samples.add("baseline", cpu)
            baseline.ask("warm")
            before = running.cpu()
            samples.add("wall", running.scrape())
            baseline.ask("warm")
            samples.add("cpu", running.cpu() - before)
        samples.add("memory", running.memory("VmHWM") - idle)

    def http_rows(self, what, entries, samples):
        self.add(what, entries, samples["cpu"], ("batch read, bare text", samples["baseline"]),
                 ("`bpftool map dump`", samples["bpftool"]))
        self.add(f"{what}, wall clock", entries, samples["wall"], ("batch read, bare text", samples["baseline wall"]))
        self.add(f"{what}, memory above idle", entries, Bytes(samples["memory"]))
        if samples.get("calls") is not None:
            self.add(f"{what}, bpf(2) calls", entries, Count(samples["calls"]),
                     ("batch read", samples["baseline calls"]))


class Bytes(float):
    def __str__(self):
        return f"{self / (1 << 20):.1f} MiB"


class Count(float):
    def __str__(self):
        return f"{self:.0f}"


def newest_map(name):
    maps = json.loads(subprocess.run(["bpftool", "-j", "map", "show"], stdout=subprocess.PIPE, check=True).stdout)
    return max(entry["id"] for entry in maps if entry.get("name") == name)


def check_same_lines(text, baseline, entries):
    """Checks that the baseline writes exactly the lines that the exporter serves."""
    lines = [line for line in text.split("\n") if line.startswith(SERIES)]
    size = sum(len(line) + 1 for line in lines)
    if len(lines) != entries or size != baseline.ask("text")[0]:
        raise Broken(f"{len(lines)} series of {entries} in {size} bytes: the baseline writes something else")


def progress(text):
    print(f"=== {text}", file=sys.stderr, flush=True)


# --- the table -----------------------------------------------------------------------------------

def spell(cost):
    if isinstance(cost, (Bytes, Count)):
        return str(cost)
    for unit, factor in (("µs", 1e3), ("ms", 1e6)):
        if cost < 999.5 * factor:
            return f"{rounded(cost / factor)} {unit}"
    return f"{rounded(cost / 1e9)} s"


def rounded(number):
    """Rounds to three digits, small numbers to two, without an exponent."""
    if number >= 100:
        return f"{number:.0f}"
    return f"{number:.1f}" if number >= 10 else f"{number:.2f}" if number >= 0.1 else f"{number:.2g}"


def cell(row):
    if row is None:
        return ""
    references = [row.baseline, row.instead]
    return " · ".join([spell(row.cost)] + [rounded(row.cost / reference[1]) for reference in references if reference])


def section(title, rows, sizes):
    yield f"| **{title}** | | " + " | ".join(f"**{size:,}**" for size in sizes) + " |" + " |" * (COLUMNS - len(sizes))
    for what in dict.fromkeys(row.what for row in rows):
        by_size = {row.size: row for row in rows if row.what == what}
        first = next(iter(by_size.values()))
        names = [reference[0] for reference in (first.baseline, first.instead) if reference]
        cells = [cell(by_size.get(size)) for size in sizes]
        yield f"| {what} | {' · '.join(names)} | " + " | ".join(cells) + " |" + " |" * (COLUMNS - len(sizes))


def table(bench):
    yield "| | beside |" + " |" * COLUMNS
    yield "| --- | --- |" + " ---: |" * COLUMNS
    yield from section("objects of each kind", bench.of_objects, bench.sizes.objects)
    yield from section("entries, series, points", bench.of_entries, bench.sizes.entries)


def machine():
    cpu = next((line.split(":")[1].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                if line.startswith("model name")), platform.machine())
    count = subprocess.run(["nproc"], stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
    return f"Kernel {platform.release()}, {count} CPUs ({cpu})."


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("build")
    parser.add_argument("--quick", action="store_true")
    arguments = parser.parse_args()
    bench = Bench(arguments.build, Sizes(arguments.quick))
    try:
        bench.census()
        bench.formats()
        bench.metric_programs()
    except (Broken, OSError, subprocess.SubprocessError) as error:
        sys.exit(f"table.py: {error}")
    print(machine() + "\n")
    print("\n".join(table(bench)))


if __name__ == "__main__":
    main()
