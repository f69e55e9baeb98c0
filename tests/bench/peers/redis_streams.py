# SPDX-License-Identifier: MIT
from peers.server import Server, pipelined, trades_of

NAME = "Redis Streams: XADD, pipelined, appendfsync always"
LACKS = "no rules, no alerts, no numbers against resends; an answer does come after fsync"
PACKAGE, PROGRAM = "redis-server", "redis-server"


def command(*words):
    return b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in map(str.encode, words))


def measure(bench, tape):
    requests = [command("XADD", "trades", "*", *(word for pair in trade.items() for word in pair)) for trade in trades_of(tape)]
    with Server(bench, 20, [PROGRAM, "--port", "{port}", "--bind", "127.0.0.1", "--dir", "{directory}", "--save", "",
                            "--appendonly", "yes", "--appendfsync", "always", "--daemonize", "no"]) as server:
        with server.connect() as connection:
            return len(requests), pipelined(connection, requests, b"$")
