"""Runs tests on a machine that stalls: `soak.sh --stalls`, see there."""

import argparse
import concurrent.futures
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
STALL_SECONDS = 5
LIMIT_SECONDS = 300
# Whose subject is what a machine can do in a time: beside what it can do at rest, which a stall falsifies.
MEASURES = "Fault10WhoSharesTheCpu"


def list_tests(build, label):
    """Command by name, from ctest's own list: a suite of GoogleTest's is one, and so is any other test."""
    asked = subprocess.run(["ctest", "--test-dir", build, "-L", label, "--show-only=json-v1"],
                           stdout=subprocess.PIPE, check=True)
    tests = {}
    for test in json.loads(asked.stdout)["tests"]:
        command = test.get("command", [])
        wanted = next((word for word in command if word.startswith("--gtest_filter=")), "")
        if wanted:
            suite = wanted.removeprefix("--gtest_filter=").rsplit(".", 1)[0]
            tests[f"{os.path.basename(command[0])} {suite}"] = [command[0], f"--gtest_filter={suite}.*-*{MEASURES}*"]
        elif command:
            tests[test["name"]] = command
    return tests


def stall(process, source):
    """Stops the test and all that it started again and again, as long as it runs; how often."""
    stalls = 0
    pause = source.uniform(0, 0.5)  # most suites are quick
    end = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < end:
        try:
            process.wait(pause)
            return stalls
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGSTOP)
            time.sleep(STALL_SECONDS)
            os.killpg(process.pid, signal.SIGCONT)
            stalls += 1
            pause = source.uniform(0, 10)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    return stalls


def run(name, command, seed):
    """How often it was stalled, and what it said if it failed."""
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True)
        stalls = stall(process, random.Random(f"{seed} {name}"))
        log.seek(0)
        said = log.read().decode(errors="replace")
    return stalls, said if process.returncode not in (0, 77) else ""


def main():
    parser = argparse.ArgumentParser(prog="soak.sh --stalls")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build/tests")
    parser.add_argument("--label", default="^(unit|e2e)$", help="of the tests, a regular expression as ctest's -L")
    parser.add_argument("--only", default="", help="tests with such a name, a regular expression")
    parser.add_argument("--jobs", type=int, default=4 * os.cpu_count(), help="they wait most of the time")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 16))
    options = parser.parse_args()
    tests = {name: command for name, command in list_tests(options.build, options.label).items()
             if re.search(options.only, name)}
    failed, stalls, stalled = 0, 0, 0
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        running = {pool.submit(run, name, command, options.seed): name for name, command in tests.items()}
        for done in concurrent.futures.as_completed(running):
            count, said = done.result()
            stalls, stalled = stalls + count, stalled + (count > 0)
            if said:
                failed += 1
                print(f"{running[done]}, stalled {count} times:\n{said}", flush=True)
    print(f"{len(tests)} suites, {stalled} of them stalled for {STALL_SECONDS} s, {stalls} times in all; "
          f"{failed} failed (--seed {options.seed})")
    sys.exit(1 if failed or not stalled else 0)


if __name__ == "__main__":
    main()
