"""What a guest left in its folder, read."""

import dataclasses
import re

OUTCOME = re.compile(r"^\[ +(OK|FAILED|SKIPPED) +\] ([A-Za-z]\w*(?:/\w+)*\.\w+(?:/\w+)*)")
COMPLAINT = re.compile(r"BUG:|WARNING:|Call Trace|Oops|general protection|RIP:|task .* blocked for|soft lockup")
# What a kernel says in a guest without anybody's fault: from a line to a line.
ALLOWED = (
    (r"invoked oom-killer", r"Killed process"),  # the test of the metric program oomkill
)


@dataclasses.dataclass
class Guest:
    release: str = ""
    passed: set = dataclasses.field(default_factory=set)
    failed: set = dataclasses.field(default_factory=set)
    skipped: dict = dataclasses.field(default_factory=dict)  # test: reason
    problems: list = dataclasses.field(default_factory=list)
    started: bool = False  # the first suite began
    ended: bool = False
    is_to_blame: bool = False  # its kernel died of BPF
    booted_again: bool = False

    def is_good(self):
        return self.ended and self.passed and not self.failed and not self.problems


def read_lines(path):
    return path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []


def read_suite(guest, lines):
    reason = "no reason"
    for number, line in enumerate(lines):
        if line.endswith(": Skipped") and number + 1 < len(lines):
            reason = lines[number + 1]
        found = OUTCOME.match(line)
        if found and found[1] == "OK":
            guest.passed.add(found[2])
        elif found and found[1] == "FAILED":
            guest.failed.add(found[2])
        elif found:
            guest.skipped.setdefault(found[2], reason)


def read_console(guest, lines):
    for line in lines:
        words = line[line.find("VM ") + 3 :].split() if "VM " in line else [""]
        if words[0] == "kernel":
            guest.release = words[1]
        elif words[0] == "suite":
            guest.started = True
        elif words[0] == "status" and words[2] not in ("0", "1"):
            guest.problems.append(f"{words[1]} ended with status {words[2]}")
        elif words[0] == "no":
            guest.problems.append("it has " + " ".join(words))
        elif words[0] == "end":
            guest.ended = True


def complaints(lines):
    found, until = [], ""
    for line in lines:
        if not until:
            until = next((end for start, end in ALLOWED if re.search(start, line)), "")
        elif re.search(until, line):
            until = ""
        if not until and COMPLAINT.search(line):
            found.append(line.strip())
    return found


def read(folder):
    guest = Guest()
    console = read_lines(folder / "console")
    read_console(guest, console)
    for path in sorted(folder.glob("*.suite.log")):
        read_suite(guest, read_lines(path))
    said = complaints(read_lines(folder / "dmesg") if guest.ended else console)
    guest.problems += [f"its kernel says: {line}" for line in said]
    guest.is_to_blame = not guest.ended and any("bpf" in line for line in said)
    return guest
