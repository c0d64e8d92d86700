"""The results of full runs, kept from run to run, and what docs/kernels.md says of them."""

import json
import textwrap

import guest_log
import schema

SOURCES = ("iterator", "syscall")
START, END = "<!-- written by run.sh -->", "<!-- until here -->"


def keep(path, result, folder):
    """What the table needs of a guest."""
    path.parent.mkdir(exist_ok=True)
    sources = {source: schema.read(guest_log.read_lines(folder / f"metrics.{source}")) for source in SOURCES}
    programs, name = {}, ""
    for line in guest_log.read_lines(folder / "programs.txt"):
        if line and not line[0].isspace():
            name = line.strip()
        elif line.strip().startswith("here:"):
            programs[name] = line.split(":", 1)[1].strip(" :")
    path.write_text(json.dumps({"release": result.release, "passed": len(result.passed),
                                "failed": len(result.failed), "skipped": result.skipped,
                                "sources": sources, "programs": programs}, indent=1))


def rows_to_text(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def test_table(kept, kernels, modes):
    def tell(result):
        return f"{result['passed']}, {result['failed']}, {len(result['skipped'])}" if result else "not run"

    rows = [[mode, *(tell(kept.get((kernel, mode))) for kernel in kernels)] for mode in modes]
    return rows_to_text(["mode: passed, failed, skipped", *kernels], rows)


def skip_table(kept, kernels, modes):
    reasons = sorted({reason for result in kept.values() for reason in result["skipped"].values()})
    rows = []
    for reason in reasons:
        row = [reason.replace("|", "\\|")]
        for kernel in kernels:
            counts = {mode: list(kept[kernel, mode]["skipped"].values()).count(reason)
                      for mode in modes if (kernel, mode) in kept}
            row.append(", ".join(f"{mode} {count}" for mode, count in counts.items() if count))
        rows.append(row)
    return rows_to_text(["skipped, since", *kernels], rows)


def sources_of(result, family):
    sources = [source for source in SOURCES if family in result["sources"][source]]
    return "both" if len(sources) == len(SOURCES) else "".join(sources) or "no"


def free_and_locked(kept, kernel, tell):
    """What is said without lockdown, and what else under lockdown=confidentiality."""
    free, locked = (tell(kept[kernel, mode]) for mode in ("none", "confidentiality"))
    return free if free == locked else f"{free}; confidential: {locked}"


def family_table(kept, kernels):
    families = sorted({family for result in kept.values() for source in result["sources"].values() for family in source})
    everywhere, rows = [], []
    for family in families:
        cells = [free_and_locked(kept, kernel, lambda result: sources_of(result, family)) for kernel in kernels]
        if set(cells) == {"both"}:
            everywhere.append(f"`{family}`")
        else:
            rows.append([f"`{family}`", *cells])
    text = "By both sources, on each kernel, in each mode: " + ", ".join(everywhere) + "."
    return textwrap.fill(text, 120, break_on_hyphens=False) + "\n\n" + rows_to_text(["family, by source", *kernels], rows)


def program_table(kept, kernels):
    names = sorted({name for result in kept.values() for name in result["programs"]})
    rows = [[name, *(free_and_locked(kept, kernel, lambda result, name=name: result["programs"].get(name, "?"))
                     for kernel in kernels)] for name in names]
    return rows_to_text(["metric program", *kernels], rows)


def read_kept(folder, kernels, modes):
    """The results that are there, by kernel and mode."""
    kept = {}
    for kernel in kernels:
        for mode in modes:
            path = folder / f"{kernel}-{mode}.json"
            if path.exists():
                kept[kernel, mode] = json.loads(path.read_text())
    return kept


def schema_text(kept):
    families = {}
    for result in kept.values():
        for source in result["sources"].values():
            families.update(source)
    return "".join(f"{name} {shape}\n" for name, shape in sorted(families.items()))


def write(page, schema_file, folder, kernels, modes):
    """Writes the tables and the schema anew once each kernel has what they compare."""
    kept = read_kept(folder, kernels, modes)
    if any((kernel, mode) not in kept for kernel in kernels for mode in ("none", "confidentiality")):
        return
    schema_file.write_text(schema_text(kept))
    text = page.read_text()
    before, after = text[: text.index(START) + len(START)], text[text.index(END) :]
    releases = ", ".join(kept[kernel, "none"]["release"] for kernel in kernels)
    parts = [f"Kernels: {releases}.\n", test_table(kept, kernels, modes), skip_table(kept, kernels, modes),
             family_table(kept, kernels), program_table(kept, kernels)]
    page.write_text(before + "\n\n" + "\n".join(parts) + "\n" + after)
