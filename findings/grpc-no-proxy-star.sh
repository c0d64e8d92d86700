#!/usr/bin/env bash
# grpcio 1.76.0 (gRPC core): `no_proxy=*` turns no proxy off, and `NO_PROXY` is not read at all.
#
# A good engineer would expect what curl documents and most HTTP clients do: "*" stands for every host, and the upper case
# name of the variable counts, too. gRPC compares the entries with the end of the host's name, so that only names,
# suffixes and networks work. Telemetry that goes over OTLP/HTTP directly goes through the proxy once it is switched to
# OTLP/gRPC, in the same environment.
#
# Seen (what the stand-in for a proxy on loopback was asked, the server being 127.0.0.1:PORT):
#   no_proxy=127.0.0.1   nothing: the connection is direct
#   no_proxy=*           CONNECT 127.0.0.1:PORT
#   NO_PROXY=127.0.0.1   CONNECT 127.0.0.1:PORT
# Needs Python 3.9 or newer. Exit status 0: still so; 1: it changed.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q grpcio==1.76.0
cat >"$work/client.py" <<'PY'
import sys
import grpc

channel = grpc.insecure_channel(sys.argv[1])
try:
    grpc.channel_ready_future(channel).result(timeout=3)
except grpc.FutureTimeoutError:
    pass
PY
cat >"$work/watch.py" <<'PY'
import os, socket, subprocess, sys, threading


def listen():
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener, listener.getsockname()[1]


def first_line(listener, into):
    try:
        connection, _ = listener.accept()
        into.append(connection.recv(200).split(b"\r\n")[0].decode("latin-1"))
        connection.close()
    except OSError:
        pass


def ask(variable, value):
    proxy, proxy_port = listen()
    server, server_port = listen()
    asked = []
    threading.Thread(target=first_line, args=(proxy, asked), daemon=True).start()
    environment = {name: text for name, text in os.environ.items() if not name.lower().endswith("_proxy")}
    environment |= {"http_proxy": f"http://127.0.0.1:{proxy_port}", variable: value}
    subprocess.run([sys.executable, sys.argv[1], f"127.0.0.1:{server_port}"], env=environment, check=True)
    return asked[0].replace(str(server_port), "PORT") if asked else "nothing"


for variable, value in (("no_proxy", "127.0.0.1"), ("no_proxy", "*"), ("NO_PROXY", "127.0.0.1")):
    print(f"{variable}={value}: {ask(variable, value)}")
PY
got=$("$work/venv/bin/python" "$work/watch.py" "$work/client.py" 2>/dev/null)
echo "$got"
expected='no_proxy=127.0.0.1: nothing
no_proxy=*: CONNECT 127.0.0.1:PORT HTTP/1.1
NO_PROXY=127.0.0.1: CONNECT 127.0.0.1:PORT HTTP/1.1'
[[ "$got" == "$expected" ]]
