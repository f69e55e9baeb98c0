# SPDX-License-Identifier: MIT
import json

from peers.server import Server, pipelined, trades_of

NAME = "NATS JetStream: one node, file storage, asynchronous publish"
LACKS = "no rules, no alerts; its ack comes before fsync (every two minutes)"
PACKAGE, PROGRAM = "nats-server", "nats-server"


def publish(subject, reply, payload):
    return b"PUB %s %s %d\r\n%s\r\n" % (subject, reply, len(payload), payload)


def await_text(connection, wanted):
    heard = b""
    while wanted not in heard:
        more = connection.recv(65536)
        if not more:
            raise SystemExit(f"nats-server closed the connection: {heard[-200:]!r}")
        heard += more
    if b'"error"' in heard:
        raise SystemExit(f"nats-server: {heard[-200:]!r}")


def measure(bench, tape):
    requests = [publish(b"trades", b"_INBOX.a", json.dumps(trade).encode()) for trade in trades_of(tape)]
    with Server(bench, 21, [PROGRAM, "-a", "127.0.0.1", "-p", "{port}", "-js", "-sd", "{directory}"]) as server:
        with server.connect() as connection:
            await_text(connection, b"INFO")
            stream = {"name": "bench", "subjects": ["trades"], "storage": "file", "retention": "limits", "num_replicas": 1}
            connection.sendall(b'CONNECT {"verbose":false,"pedantic":false}\r\nSUB _INBOX.* 1\r\n'
                               + publish(b"$JS.API.STREAM.CREATE.bench", b"_INBOX.c", json.dumps(stream).encode()))
            await_text(connection, b"stream_create_response")
            return len(requests), pipelined(connection, requests, b"MSG _INBOX.a ")
