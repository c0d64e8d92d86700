#!/usr/bin/env python3
"""report.py LOG: what the guest said; status 1 where a test failed, the guest did not come to its end, or its kernel complained."""

import collections
import sys

lines = [line.strip() for line in open(sys.argv[1], encoding="utf-8", errors="replace")]
said = [line[3:] for line in lines if line.startswith("VM ")]
counts = collections.Counter()
bad = []
failed = set()
for line in said:
    word, _, rest = line.partition(" ")
    if word == "test":
        outcome, _, name = rest.partition(" ")
        if outcome != "FAILED" or name not in failed:
            counts[outcome] += 1
        if outcome == "FAILED":
            failed.add(name)
    elif word == "status":
        bad.append(f"{rest.split()[0]} ended with status {rest.split()[1]}")
    elif word == "no":
        bad.append(line)
bad += [f"failed: {name}" for name in sorted(failed)]
if "end" not in said:
    bad.append("the guest did not come to its end")
if "dmesg" in said:
    complaints = lines[lines.index("VM dmesg") + 1 : lines.index("VM end")] if "VM end" in lines else []
    bad += [f"its kernel says: {line}" for line in complaints]
if counts["OK"] == 0:
    bad.append("no test ran")
print(f"vm:   {counts['OK']} passed, {counts['FAILED']} failed, {counts['SKIPPED']} skipped")
for line in bad:
    print(f"vm:   {line}")
sys.exit(1 if bad else 0)
