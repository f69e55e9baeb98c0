# SPDX-License-Identifier: MIT
"""A server of somebody else's, on our port and in our directory; and how to talk to it without waiting for each answer."""
import csv
import shutil
import socket
import subprocess
import tempfile
import time

CHUNK = 500         # trades in one write to the socket
WINDOW = 8000       # trades that are not answered yet


def trades_of(tape):
    with open(tape, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


class Server:
    def __init__(self, bench, offset, command):
        self.port = bench.port + offset
        self.directory = tempfile.mkdtemp(prefix="tapewarden-bench-peer-", dir=bench.directory)
        self.command = [word.format(port=self.port, directory=self.directory) for word in command]
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        return self

    def connect(self):
        end = time.monotonic() + 20
        while True:
            try:
                return socket.create_connection(("127.0.0.1", self.port), timeout=60)
            except OSError:
                if time.monotonic() > end or self.process.poll() is not None:
                    raise SystemExit(f"{self.command[0]} did not start") from None
                time.sleep(0.05)

    def __exit__(self, *unused):
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def pipelined(connection, requests, answer):
    """Sends all, and hears as many answers, each of which has the bytes `answer` in it once; seconds."""
    chunks = [b"".join(requests[at:at + CHUNK]) for at in range(0, len(requests), CHUNK)]
    sent = answered = 0
    rest, begun = b"", time.monotonic()
    for chunk in [*chunks, None]:
        if chunk is not None:
            connection.sendall(chunk)
            sent += min(CHUNK, len(requests) - sent)
        while answered < sent and (chunk is None or sent - answered > WINDOW):
            rest += connection.recv(1 << 18)
            if b"-ERR" in rest or b'"error"' in rest:
                raise SystemExit(f"the server refused: {rest[-200:]!r}")
            answered += rest.count(answer)
            rest = rest[-len(answer) + 1:] if len(answer) > 1 else b""
    return time.monotonic() - begun
