#!/usr/bin/env python3
"""docs_test.py [--write] FACTS: the documents are true as far as a program can tell.

The README is short and keeps its two commands; links lead somewhere; the tables of metrics, flags, commands and rooms
are what the code says. FACTS is the program docs_facts; --write writes the tables anew."""

import argparse
import re
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
MOST_WORDS = 1500
COMMANDS = ("sudo deploy/run.sh", "sudo tests/run.sh")
BLOCK = re.compile(r"(<!-- (metrics|flags|commands): (.+?) -->\n)(.*?)(<!-- end -->)", re.DOTALL)
TO_DO = "say what is in this room"
# What looks like a metric in the source and is none: the module's entry point.
NOT_METRICS = {"bpftally_otlp_module"}


# --- the tables ----------------------------------------------------------------------------------

def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n" + "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n\n"


def cell(text):
    return text.replace("|", "\\|")


def metrics_table(facts, section, kernels):
    """The families of one collector; with the kernel that they need where kernels.txt has it."""
    head, rows = ["metric", "type", "labels", "unit", "meaning"], []
    families = [fact[2:] for fact in facts if fact[:2] == ["metric", section]]
    with_kernels = any(family[0] in kernels for family in families)
    for name, kind, unit, labels, meaning in families:
        rows.append([f"`{name}`", kind, ", ".join(labels.split()), unit and f"`{unit}`", cell(meaning)]
                    + [kernels.get(name, "")] * with_kernels)
    return table(head + ["kernel"] * with_kernels, rows)


def flags_table(facts, section):
    """The flags of one section of --help, and the commands that have them."""
    every = [fact[2] for fact in facts if fact[0] == "command"]
    rows = []
    for _, _, name, argument, default, meaning, commands in (fact for fact in facts if fact[:2] == ["flag", section]):
        if name.startswith("--no-collector."):
            rows[-1][0] += f", `{name}`"
            continue
        whose = "all" if commands.split() == every else ", ".join(commands.split())
        rows.append([f"`{name}{'=' if argument else ''}{cell(argument)}`", cell(default), cell(meaning), whose])
    return table(["flag", "default", "meaning", "commands"], rows)


def commands_table(facts, _):
    rows = [[f"`bpftally {cell(' '.join(fact[2:4]).strip())}`", cell(fact[4].removeprefix(f"{fact[3]}: "))]
            for fact in facts if fact[0] == "command"]
    return table(["command", "does"], rows)


def fill(text, facts, kernels):
    """The text with its generated tables as they have to be."""
    def block(match):
        begin, what, section, _, end = match.groups()
        make = {"flags": flags_table, "commands": commands_table}.get(what)
        return begin + (make(facts, section) if make else metrics_table(facts, section, kernels)) + end
    return BLOCK.sub(block, text)


def room_uses(layers_test):
    """Room to what it may use, as layers_test.sh has it."""
    rows = layers_test[layers_test.index("may_use=(") : layers_test.index("\n)", layers_test.index("may_use=("))]
    uses = re.findall(r'\[([\w/]+)\]="([^"]*)"', rows)
    return {room: "all" if words == "*" else ", ".join(words.split()) for room, words in uses}


def fill_rooms(text, uses):
    """The table of rooms: what is in each is written by hand, what it may use comes from the test."""
    def block(match):
        said = dict(re.findall(r"^\| `([\w/]+)` \| (.*?) \|", match[2], re.MULTILINE))
        rows = [[f"`{room}`", said.get(room, TO_DO), used] for room, used in uses.items()]
        return match[1] + table(["room", "what is in it", "may use"], rows) + match[3]
    return re.sub(r"(<!-- rooms -->\n)(.*?)(<!-- end -->)", block, text, flags=re.DOTALL)


def table_mistakes(facts, text):
    """Collectors and groups of flags without a table, and tables of what does not exist."""
    there = {(what, section) for _, what, section, _, _ in BLOCK.findall(text)}
    needed = {(f"{fact[0]}s", fact[1]) for fact in facts if fact[0] != "decoder"}
    return ([f"there is no table <!-- {what}: {section} -->" for what, section in sorted(needed - there)]
            + [f"the table <!-- {what}: {section} --> has nothing to show" for what, section in sorted(there - needed)])


def decoder_mistakes(facts, text):
    """Decoders with no row in the table of the page on metric programs, and rows of decoders that do not exist."""
    rows = text[text.index("| decoder |") :].split("\n\n")[0].splitlines()[2:]
    there = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    names = {fact[1] for fact in facts if fact[0] == "decoder"}
    return [f"the decoder {name} is in the code or in docs/metric-programs.md, not in both"
            for name in sorted(names ^ there)]


def unknown_metrics(facts, source):
    """Names in the source that docs_facts does not print: it must run whatever makes them."""
    names = {fact[2] for fact in facts if fact[0] == "metric"}
    written = set(re.findall(r'"(bpf(?:tally)?_[a-z_]+)",', source)) - NOT_METRICS
    return [f"docs_facts does not print {name}, which the source has"
            for name in sorted(written) if not {name, f"{name}_total"} & names]


def kernel_mistakes(facts, kernels):
    names = {fact[2] for fact in facts if fact[0] == "metric"}
    return ([f"kernels.txt has {name}, which is no metric" for name in sorted(set(kernels) - names)]
            + [f"kernels.txt lacks {name}" for name in sorted(names - set(kernels)) if name.startswith("bpf_")])


# --- links ---------------------------------------------------------------------------------------

def prose(text):
    """Without what is code."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    text = re.sub(r"^(?: {4}|\t).*$", "", text, flags=re.MULTILINE)
    return re.sub(r"`[^`\n]*`", "", text)


def anchors(text):
    """As the usual viewers make them of headings."""
    headings = re.findall(r"^#+ +(.*)$", re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def broken_links(path, text):
    for target in re.findall(r"\]\(([^)\s]+)\)", prose(text)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        other = (path.parent / file).resolve() if file else path
        if other != path and not other.exists():
            yield f"{path.name}: {target} leads nowhere"
        elif anchor and anchor not in anchors(text if other == path else other.read_text()):
            yield f"{path.name}: {target}: there is no such heading"


# --- all of it -----------------------------------------------------------------------------------

def readme_mistakes(text):
    words = len(text.split())
    if words > MOST_WORDS:
        yield f"README.md has {words} words: {MOST_WORDS} at most, the rest belongs into docs/"
    for command in COMMANDS:
        if not re.search(rf"^ +{re.escape(command)}$", text, re.MULTILINE):
            yield f"README.md has lost the command {command}"


def check_the_checks():
    """Bad samples are found out."""
    facts = [["metric", "a", "bpf_a", "gauge", "By", "id x", "One|two."], ["command", "all", "run", "FILE", "Runs"],
             ["flag", "G", "-h, --help", "", "", "Helps", "run"], ["flag", "G", "--zeta", "A|B", "A", "Does", "run"],
             ["flag", "G", "--no-collector.z", "", "", "Without it", "run"]]
    bad = ("<!-- metrics: a -->\nstale\n<!-- end -->\n<!-- flags: G -->\n<!-- end -->\n"
           "<!-- commands: all -->\n<!-- end -->")
    made = fill(bad, facts, {"bpf_a": "5.8"})
    assert "stale" not in made and "| `bpf_a` | gauge | id, x | `By` | One\\|two. | 5.8 |" in made, made
    assert "| `-h, --help` |  | Helps | all |" in made and "| `bpftally run FILE` | Runs |" in made, made
    assert "`--zeta=A\\|B`, `--no-collector.z` | A |" in made, made
    assert fill(made, facts, {"bpf_a": "5.8"}) == made
    assert table_mistakes(facts, "") and table_mistakes([], bad) and not table_mistakes(facts, bad)
    assert len(decoder_mistakes([["decoder", "b"]], "| decoder | x |\n| --- | --- |\n| `a` | `c` |\n\n")) == 2
    assert unknown_metrics(facts, '{"bpf_b", ') and not unknown_metrics(facts, '{"bpf_a", ')
    assert len(kernel_mistakes(facts, {"bpf_b": "5.8"})) == 2
    uses = room_uses('declare -A may_use=(\n [a]=""\n  [b/c]="a\n d"\n  [e]="*"\n)\n')
    assert uses == {"a": "", "b/c": "a, d", "e": "all"}, uses
    rooms = fill_rooms("<!-- rooms -->\n| `a` | old | x |\n<!-- end -->", {"a": "d", "b": ""})
    assert "| `a` | old | d |" in rooms and f"| `b` | {TO_DO} |" in rooms, rooms
    links = "# A b\n[x](nowhere.md) [x](#a-b) [x](#none) `[x](code.md)` [x](../../README.md#none) [x](https://example.com)"
    assert len(list(broken_links(HERE / "sample.md", links))) == 3
    assert len(list(readme_mistakes("word " * (MOST_WORDS + 1)))) == 1 + len(COMMANDS)


def read_kernels():
    lines = (HERE / "kernels.txt").read_text().splitlines()
    return dict(line.split(" ", 1) for line in lines if line and not line.startswith("#"))


def documents():
    folders = ("docs", "src", "bpf", "tests", "deploy", "dashboards")
    return [*ROOT.glob("*.md"), *(path for folder in folders for path in (ROOT / folder).rglob("*.md"))]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--write", action="store_true")
    parser.add_argument("facts")
    arguments = parser.parse_args()
    check_the_checks()
    printed = subprocess.run([arguments.facts], stdout=subprocess.PIPE, text=True, check=True).stdout
    facts = [line.split("\t") for line in printed.splitlines()]
    kernels = read_kernels()
    uses = room_uses((ROOT / "tests/layers_test.sh").read_text())
    source = "".join(path.read_text() for path in (ROOT / "src").rglob("*.cc") if path.stem != "compat_families")
    mistakes = unknown_metrics(facts, source) + kernel_mistakes(facts, kernels)
    mistakes += readme_mistakes((ROOT / "README.md").read_text())
    texts = {path: path.read_text() for path in documents()}
    mistakes += decoder_mistakes(facts, texts[ROOT / "docs/metric-programs.md"])
    mistakes += table_mistakes(facts, "".join(texts.values()))
    for path, text in texts.items():
        filled = fill_rooms(fill(text, facts, kernels), uses)
        if TO_DO in filled:
            mistakes.append(f"{path.relative_to(ROOT)}: {TO_DO}")
        if filled != text and arguments.write:
            path.write_text(filled)
        elif filled != text:
            mistakes.append(f"{path.relative_to(ROOT)}: the tables are not what the code says; this writes them anew: "
                            f"{Path(__file__).relative_to(ROOT)} --write {arguments.facts}")
        mistakes += broken_links(path, filled)
    print("\n".join(mistakes) or f"{len(texts)} documents are in order")
    return 1 if mistakes else 0


if __name__ == "__main__":
    sys.exit(main())
