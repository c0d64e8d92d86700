"""Real programs as children of a test: they end with its ExitStack, and serve on ports that are free."""

import re
import socket
import subprocess
import time

from script import CannotRun

CANNOT_RUN_HERE = (69, 77)  # bpftally's exit statuses for a kernel or a privilege that is missing
PATIENCE_SECONDS = 60


def spawn(stack, command, **options):
    """A child that ends with the stack, at the latest by force."""
    child = subprocess.Popen([str(part) for part in command], **options)
    stack.callback(end, child)
    return child


def end(child):
    child.terminate()
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def wait_for(what, condition, seconds=PATIENCE_SECONDS):
    """What the condition gives once that is true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        result = condition()
        if result:
            return result
        time.sleep(0.2)
    raise RuntimeError(f"waited {seconds} s in vain: {what}")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_bpftally(stack, binary, log, *flags, **options):
    """The child and its port, once it serves. Its log goes to the file."""
    with log.open("w") as sink:
        child = spawn(stack, [binary, *flags, "--web.listen-address=127.0.0.1:0"], stderr=sink, **options)

    def port():
        if child.poll() in CANNOT_RUN_HERE:
            raise CannotRun(f"bpftally cannot run here: {log.read_text().splitlines()[-1]}")
        if child.poll() is not None:
            raise RuntimeError(f"bpftally ended with {child.returncode}: {log.read_text()}")
        found = re.search(r"on http://127\.0\.0\.1:(\d+)/metrics", log.read_text())
        return found and int(found[1])

    return child, wait_for("bpftally serves", port)
