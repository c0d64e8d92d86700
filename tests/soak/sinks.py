"""OTLP receivers that flap: over HTTP in this process, over gRPC in a child."""

import http.server
import subprocess
import threading

TAKE, REFUSE, UNAVAILABLE, HANG, GONE = MODES = ("take", "refuse", "unavailable", "hang", "gone")
STATUS = {TAKE: 200, REFUSE: 400, UNAVAILABLE: 503}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        mode = self.server.sink.mode_when_not_hanging()
        if mode == GONE:
            self.close_connection = True
            return
        self.send_response(STATUS[mode])
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class HttpSink:
    def __init__(self, stack):
        self.changed = threading.Condition()
        self.mode = TAKE
        self.server = None
        self.listen(0)
        self.port = self.server.server_port
        stack.callback(self.become, GONE)

    def address(self):
        return f"http://127.0.0.1:{self.port}"

    def listen(self, port):
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.server.daemon_threads = True
        self.server.sink = self
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def become(self, mode):
        with self.changed:
            self.mode = mode
            self.changed.notify_all()
        if mode == GONE and self.server:
            self.server.shutdown()
            self.server.socket.close()
            self.server = None
        elif mode != GONE and not self.server:
            self.listen(self.port)

    def mode_when_not_hanging(self):
        with self.changed:
            self.changed.wait_for(lambda: self.mode != HANG)
            return self.mode


class GrpcSink:
    def __init__(self, stack, binary):
        self.child = stack.enter_context(
            subprocess.Popen([binary], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
        stack.callback(self.child.stdin.close)  # first: it ends with its input
        self.line = self.child.stdout.readline().strip()

    def address(self):
        return self.line

    def become(self, mode):
        print(mode, file=self.child.stdin, flush=True)
