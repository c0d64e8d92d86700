"""What a process holds, and whether it grew."""

import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import time

MIB = 1 << 20
# Of the medians of the first and last thirds. The allocator's arenas and the libraries' thread pools still fill in the
# first minutes; a leak of 100 bytes an object would be 6 MB in ten minutes.
MAY_GROW_BYTES = 3 * MIB


def may_grow(kind_of):
    if kind_of == "thread":
        return 2  # gRPC's pools keep threads for a while that a time-out has started
    if kind_of.startswith("/sys/fs/cgroup"):
        return 1  # opened for good when the first link to a control group is seen
    return 0


def of_descriptors(pid, folder, read):
    """What `read` finds of each descriptor of the process."""
    for file in pathlib.Path(f"/proc/{pid}/{folder}").iterdir():
        try:
            yield from read(file)
        except FileNotFoundError:
            pass  # closed meanwhile


def kind(file):
    """socket, anon_inode:[eventfd], anon_inode:bpf-map…"""
    return [re.sub(r":\[\d+\]$", "", os.readlink(file))]


def owned(pid):
    """("prog", id) and the like of the objects that the process has descriptors of, links' programs included."""
    return set(of_descriptors(pid, "fdinfo", lambda file: re.findall(
        r"^(prog|map|link)_id:\s*(\d+)$", file.read_text(), re.MULTILINE)))


def read(pid):
    """How many there are of each kind of descriptor, and of threads."""
    found = collections.Counter(of_descriptors(pid, "fd", kind))
    found["thread"] = len(list(pathlib.Path(f"/proc/{pid}/task").iterdir()))
    return found


def calm(pid, seconds=3):
    """The least of some seconds: a scrape under way is no leak, and what leaked is in each."""
    least = read(pid)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.1)
        least &= read(pid)
    return least


def resident(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return 1024 * sum(int(size) for size in re.findall(r"^Rss(?:Anon|File):\s*(\d+) kB", status, re.MULTILINE))


def growth(samples):
    third = max(1, len(samples) // 3)
    return statistics.median(samples[-third:]) - statistics.median(samples[:third])


def grown(before, after):
    """What is more than it was, in words."""
    for kind_of, became in after.items():
        if became > before[kind_of] + may_grow(kind_of):
            yield f"{kind_of}: {before[kind_of]} before, {became} after"


def in_kernel():
    """("prog", id) and the like of all objects there are."""
    found = set()
    for kind in ("prog", "map", "link"):
        listing = subprocess.run(["bpftool", "-j", kind, "list"], check=True, capture_output=True)
        found |= {(kind, str(each["id"])) for each in json.loads(listing.stdout or "[]")}
    return found
