"""Clients that scrape once a second, well and badly behaved."""

import gzip
import http.client
import socket
import struct
import threading

TIMEOUT_SECONDS = 10


def scrape(port, **headers):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/metrics", headers=headers)
        answer = connection.getresponse()
        body = answer.read()  # complains of what is cut off
    finally:
        connection.close()
    if answer.status != 200:
        raise ValueError(f"status {answer.status}: {body[:200]}")
    return body


def check(text, end=""):
    lines = text.splitlines()
    if not any(line.startswith("bpf_programs{") for line in lines):
        raise ValueError("no census in the answer")
    failed = [line for line in lines
              if line.startswith("bpftally_collector_success{") and line.endswith(" 0")]
    if failed or not text.endswith(end):
        raise ValueError(f"not whole: {failed} …{text[-100:]!r}")


def plain(port):
    check(scrape(port).decode())


def compressed(port):
    check(gzip.decompress(scrape(port, **{"Accept-Encoding": "gzip"})).decode())


def openmetrics(port):
    check(scrape(port, Accept="application/openmetrics-text; version=1.0.0").decode(), "# EOF\n")


def vanish(port, request, read):
    """Closes with a reset in the middle of the request, or of the answer."""
    with socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT_SECONDS) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(request)
        if read:
            client.recv(read)


def leave_in_answer(port):
    vanish(port, b"GET /metrics HTTP/1.1\r\nHost: soak\r\n\r\n", 100)


def leave_in_request(port):
    vanish(port, b"GET /metrics HTTP/1.1\r\nHo", 0)


def leave_at_once(port):
    vanish(port, b"GET /metrics HTTP/1.1\r\nHost: soak\r\n\r\n", 0)


ALL = (plain, compressed, openmetrics, leave_in_answer, leave_in_request, leave_at_once)


class Client:
    """A thread; counts what went well, and keeps what did not."""

    def __init__(self, visit, port):
        self.name = visit.__name__
        self.done = 0
        self.failures = []
        self.end = threading.Event()
        self.thread = threading.Thread(target=self.run, args=(visit, port), daemon=True)
        self.thread.start()

    def run(self, visit, port):
        while not self.end.wait(1):
            try:
                visit(port)
                self.done += 1
            except (OSError, ValueError, EOFError, http.client.HTTPException) as error:
                self.failures.append(f"{type(error).__name__}: {error}")

    def stop(self):
        self.end.set()
        self.thread.join()
