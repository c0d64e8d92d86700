#!/usr/bin/env python3
"""matrix.py: kernels times modes, as many guests side by side as there are processors. See run.sh."""

import argparse
import concurrent.futures
import fcntl
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import typing

import guest
import guest_log
import schema
import table

ROOT = guest.HERE.parent.parent
WORK = ROOT / "build/vm"
SCHEMA = guest.HERE / "schema.txt"
KERNELS = ("6.1", "6.12", "7")
MODES = ("none", "integrity", "confidentiality", "possible-cpus")
# Thousands of programs, which take minutes here.
NEVER = "Crowd|Churn"
# What a quick run has, and what reads things that each CPU has one of.
SHORT = "Population|KnownObjects|GrowingMap|RingBacklog|SourcesAgree|RunStats|LoadedProgram|Kernel"
PER_CPU = "Population|KnownObjects|GrowingMap|RingBacklog|SourcesAgree|RunStats|BpftoolAgrees|MapKinds|EventReader"


def parse(arguments):
    parser = argparse.ArgumentParser(prog="run.sh", description="The suites of a built tree in Debian's kernels.")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/tests", help="the built tree")
    parser.add_argument("--short", action="store_true", help="a list of quick suites")
    parser.add_argument("--modes", default=",".join(MODES), help="some of " + ",".join(MODES))
    parser.add_argument("--only", default="", metavar="REGEX", help="suites with such a name")
    parser.add_argument("--seconds", type=int, help="the limit of a boot (1500, short 400)")
    parser.add_argument("--all-kernels", action="store_true", help="all of " + ", ".join(KERNELS))
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help="some of them; 6.1 alone if none is named")
    options = parser.parse_args(arguments)
    options.build = options.build.resolve()
    options.is_full = not options.short and not options.only
    options.kernels = list(KERNELS) if options.all_kernels else options.kernels or ["6.1"]
    options.modes = re.split("[, ]+", options.modes)
    options.seconds = options.seconds or (400 if options.short else 1500)
    for kind, wanted, known in (("kernel", options.kernels, KERNELS), ("mode", options.modes, MODES)):
        for name in wanted:
            if name not in known:
                parser.error(f"no {kind} {name}: there are {', '.join(known)}")
    return options


def skip(reason):
    print(f"SKIP: {reason}", flush=True)
    sys.exit(77)


class Suite(typing.NamedTuple):
    """One of GoogleTest's: its name without "Test", and how to run it alone."""

    name: str
    binary: str
    pattern: str


def suite_of(command):
    """That of a test as ctest runs it: `…/census_kernel_test --gtest_filter=Both/KnownObjectsTest.Maps/1 …`."""
    wanted = next(word for word in command if word.startswith("--gtest_filter="))
    suite = wanted.removeprefix("--gtest_filter=").rsplit(".", 1)[0]
    parts = suite.split("/")
    name = parts[1] if len(parts) > 1 and not parts[1].isdigit() else parts[0]
    pattern = f"{name}.*:*/{name}.*"
    return Suite(name.removesuffix("Test"), command[0], pattern)


def list_suites(build):
    """The privileged and end-to-end suites, from ctest's own list; with whether they need privileges."""
    asked = subprocess.run(["ctest", "--test-dir", build, "-N", "--show-only=json-v1"], stdout=subprocess.PIPE,
                           check=True)
    suites = {}
    for test in json.loads(asked.stdout)["tests"]:
        labels = [label for p in test["properties"] if p["name"] == "LABELS" for label in p["value"]]
        command = test.get("command", [""])
        if re.search("privileged|e2e", " ".join(labels)) and "--gtest_filter" in " ".join(command):
            suites[suite_of(command)] = "privileged" in " ".join(labels)
    return suites


def choose(suites, mode, options):
    def is_wanted(name, is_privileged):
        lists = ([SHORT] if options.short else []) + ([PER_CPU] if mode == "possible-cpus" else [])
        return (re.search(options.only, name) and not re.fullmatch(NEVER, name)
                and all(re.fullmatch(names, name) for names in lists)
                and (is_privileged or mode == "none"))  # what needs no privilege knows no lockdown
    return [suite for suite, is_privileged in suites.items() if is_wanted(suite.name, is_privileged)]


def say(kernel, mode, result):
    lines = [f"{kernel} ({result.release}), {mode}: {len(result.passed)} passed, {len(result.failed)} failed, "
             f"{len(result.skipped)} skipped" + (", lost once and booted again" if result.booted_again else "")]
    lines += [f"  skipped: {name}: {reason}" for name, reason in sorted(result.skipped.items())]
    lines += [f"  failed: {name}" for name in sorted(result.failed)] + [f"  {line}" for line in result.problems]
    if not result.ended:
        lines.append("  the guest did not come to its end")
    print("\n".join(f"vm: {line}" for line in lines), flush=True)


def keep(kernel, mode, result, options):
    """For docs/kernels.md and the schema, which say what full runs found."""
    if result.ended and options.is_full:
        table.keep(WORK / f"results/{kernel}-{mode}.json", result, WORK / f"{kernel}-{mode}")


def run_all(options, suites):
    """Each kernel and mode, with what its guest said."""
    machine = guest.Machine(options.seconds)

    def stop(*_):
        machine.stop()
        raise SystemExit(130)

    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    results = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        waiting = {}
        for kernel in options.kernels:
            for mode in options.modes:
                chosen = choose(suites, mode, options)
                if chosen:
                    waiting[pool.submit(guest.run, machine, WORK / kernel, mode, WORK / f"{kernel}-{mode}", chosen,
                                        options.build)] = (kernel, mode)
        for done in concurrent.futures.as_completed(waiting):
            results[waiting[done]] = done.result()
            say(*waiting[done], done.result())
            keep(*waiting[done], done.result(), options)
    return results


def schemas_of(results):
    """What each guest says of the families, what earlier ones said, and what the tree says."""
    known = {"schema.txt": dict(line.split(" ", 1) for line in guest_log.read_lines(SCHEMA))}
    for (kernel, mode), kept in table.read_kept(WORK / "results", KERNELS, MODES).items():
        for source, families in kept["sources"].items():
            if (kernel, mode) not in results:
                known[f"{kernel} {mode} {source}"] = families
    for kernel, mode in results:
        for source in ("auto", *table.SOURCES):
            lines = guest_log.read_lines(WORK / f"{kernel}-{mode}" / f"metrics.{source}")
            known[f"{kernel} {mode} {source}"] = schema.read(lines)
    return known


def main():
    options = parse(sys.argv[1:])
    WORK.mkdir(parents=True, exist_ok=True)
    lock = open(WORK / "lock", "w", encoding="utf-8")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        skip(f"another run is at work in {WORK}")
    suites = list_suites(options.build)
    if not suites:
        sys.exit(f"vm: no privileged suites in {options.build}: build it first")
    for kernel in options.kernels:
        if subprocess.run([guest.HERE / "kernel.sh", kernel, WORK / kernel], check=False).returncode != 0:
            skip(f"the kernel {kernel} cannot be had from this machine's Debian mirror")
    results = run_all(options, suites)
    lost = [" ".join(at) for at, result in results.items() if not result.ended and not result.started]
    bad = [at for at, result in results.items() if not result.is_good() and (result.ended or result.started)]
    differences = schema.differences(schemas_of(results))
    for line in differences:
        print(f"vm: not the same everywhere: {line}")
    if options.is_full:
        table.write(ROOT / "docs/kernels.md", SCHEMA, WORK / "results", KERNELS, MODES)
    if bad or differences:
        sys.exit(1)
    if lost:
        skip(f"guests were lost twice before their first suite: {', '.join(lost)}")


if __name__ == "__main__":
    main()
