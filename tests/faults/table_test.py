#!/usr/bin/env python3
"""table_test.py: the table of README.md is true. Each row from 1 to 40, and 30b, names tests or files that exist, or
says why it is open; each test with a row's number in its name stands in that row."""

import fnmatch
import pathlib
import re
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
ROWS = [str(number) for number in range(1, 41)] + ["30b"]
TEST = re.compile(r"^TEST(?:_F|_P)?\(\s*(\w+),\s*(\w+)\)", re.MULTILINE)
NUMBERED = re.compile(r"\w+\.Fault(\d\d)(b?)[A-Z]")


def rows_of(text):
    """Row to what its last column says."""
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines()]
    return {row[0].strip("| "): row[3] for row in cells if len(row) == 4 and row[0].strip("| ")[:1].isdigit()}


def tests_of(root):
    """Suite.Name of each test that a CMakeLists.txt builds."""
    tests = set()
    for lists in (root / "tests").rglob("CMakeLists.txt"):
        built = lists.read_text()
        for source in lists.parent.rglob("*.cc"):
            if re.search(rf"\b{re.escape(str(source.relative_to(lists.parent)))}\b", built):
                tests |= {".".join(match) for match in TEST.findall(source.read_text())}
    return tests


def row_of(test):
    """The row whose number a test has in its name, or None."""
    match = NUMBERED.match(test)
    return f"{int(match[1])}{match[2]}" if match else None


def find_mistakes(rows, tests, root):
    """What is wrong with the table, one line each."""
    mistakes = [f"row {row} is missing" for row in ROWS if row not in rows]
    for row, proof in rows.items():
        named = re.findall(r"`(\w+\.\w+\*?)`", proof)
        files = re.findall(r"`(tests/[\w./]+)`", proof)
        if not named and not files and "open: " not in proof:
            mistakes.append(f"row {row} names neither a test nor a reason")
        for name in named:
            if "Fault" in name and row_of(name.replace("*", "A")) != row:
                mistakes.append(f"row {row}: {name} is of another row")
            if not fnmatch.filter(tests, name):
                mistakes.append(f"row {row}: there is no test {name}")
        mistakes += [f"row {row}: there is no {file}" for file in files if not (root / file).exists()]
    for test in sorted(tests):
        row = row_of(test)
        if row and not any(fnmatch.fnmatch(test, name) for name in re.findall(r"`([\w.*]+)`", rows.get(row, ""))):
            mistakes.append(f"{test} is not in row {row}")
    return mistakes


def check_the_check():
    """A bad table is found out."""
    rows = {row: "open: later" for row in ROWS if row != "7"}
    rows |= {"1": "`A.Fault01Gone`", "2": "", "3": "`A.Fault01There`"}
    found = "\n".join(find_mistakes(rows, {"A.Fault01There", "A.Fault04Silent"}, ROOT))
    for part in ["row 7 is missing", "no test A.Fault01Gone", "row 2 names", "A.Fault01There is of another", "A.Fault04S"]:
        assert part in found, (part, found)


def main():
    check_the_check()
    mistakes = find_mistakes(rows_of((HERE / "README.md").read_text()), tests_of(ROOT), ROOT)
    print("\n".join(mistakes) or "the table is true")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
