"""A test that is a script of one or more modes, each of which gives what it found wrong, in words."""

import os
import pathlib
import shutil
import signal
import sys

SKIPPED = 77  # ctest's SKIP_RETURN_CODE


class CannotRun(Exception):
    """This machine lacks what the test needs."""


def require_root(purpose):
    if os.geteuid() != 0:
        raise CannotRun(f"needs root: {purpose}")


def require_tools(*packages):
    """Of packages that have a tool of the same name."""
    for tool in packages:
        if not shutil.which(tool):
            raise CannotRun(f"{tool} is missing (Debian package {tool})")


def bpftally():
    """The binary, named after the mode or in the environment."""
    return pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else os.environ["BPFTALLY"])


def run(test, all_is_well):
    """Ends this process with what the test finds."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that children and pins go too
    try:
        found = list(test())
    except CannotRun as reason:
        print(f"SKIP: {reason}")
        sys.exit(SKIPPED)
    print("\n".join(found) or all_is_well)
    sys.exit(1 if found else 0)


def run_mode(usage, modes):
    """Runs the mode that the command line names first."""
    mode = sys.argv[1] if len(sys.argv) > 1 else ""
    if mode not in modes:
        sys.exit(usage)
    run(modes[mode], f"{mode}: all is well")
