"""The names, kinds and labels of the families in an exposition: the same on every kernel that has them."""

import re

SAMPLE = re.compile(r"^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? ")
LABEL = re.compile(r'(\w+)="(?:[^"\\]|\\.)*"')
PARTS = ("_bucket", "_sum", "_count")


def read(lines):
    """Family: its kind and the sets of labels that its series have, as text."""
    kinds, families = {}, {}
    for line in lines:
        words = line.split()
        if line.startswith("# TYPE "):
            kinds[words[2]] = words[3]
        found = SAMPLE.match(line)
        if not found:
            continue
        part = next((part for part in PARTS if found[1].endswith(part) and found[1] not in kinds), "")
        name = found[1].removesuffix(part)
        labels = [label for label in LABEL.findall(found[2] or "") if not (part and label == "le")]
        families.setdefault(name, set()).add(",".join(sorted(labels)))
    return {name: " ".join([kinds.get(name, "untyped"), *sorted(labels)]) for name, labels in families.items()}


def differences(schemas):
    """Where two of them (by name) say different things of one family."""
    first, found = {}, []
    for source, families in schemas.items():
        for name, shape in sorted(families.items()):
            origin, known = first.setdefault(name, (source, shape))
            if shape != known:
                found.append(f"{name} is \"{shape}\" on {source}, \"{known}\" on {origin}")
    return found
