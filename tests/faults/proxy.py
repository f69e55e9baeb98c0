# SPDX-License-Identifier: MIT
"""A bad network between publishers and the daemon: a TCP proxy that delays, cuts at any byte, lets connections hang or
die on one side only, and plays the bytes of an old connection again as a new one. Seeded; it never reorders or changes
bytes inside a stream, for TCP does not either.
"""

import random
import selectors
import socket
import struct
import threading
import time

KEPT_BYTES_MAX = 4 << 20        # of a connection, to be played again; a cut message at its end is the daemon's to survive
PIECE_BYTES = 64 << 10


def reset(connection):
    """Closes with RST: what the kernel still holds is lost."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.close()
    except OSError:
        pass


class Pair(threading.Thread):
    """One connection through the proxy."""

    def __init__(self, proxy, client, seed):
        super().__init__(daemon=True)
        self.proxy, self.client, self.chance = proxy, client, random.Random(seed)
        self.server = None
        self.kept = bytearray()
        self.left = self.chance.expovariate(1 / proxy.bytes_per_fault)      # bytes until the next fault

    def run(self):
        try:
            self.server = socket.create_connection(self.proxy.to, timeout=5)
        except OSError:
            reset(self.client)
            return
        self.server.settimeout(10)
        self.client.settimeout(10)
        with selectors.DefaultSelector() as ready:
            ready.register(self.client, selectors.EVENT_READ, self.server)
            ready.register(self.server, selectors.EVENT_READ, self.client)
            try:
                while not self.proxy.closing and self.pump(ready):
                    pass
            except OSError:
                pass
        self.end()

    def pump(self, ready):
        for key, _ in ready.select(0.2):
            piece = key.fileobj.recv(PIECE_BYTES)
            if not piece:
                return False
            if key.fileobj is self.client and len(self.kept) < KEPT_BYTES_MAX:
                self.kept += piece
            self.left -= len(piece)
            if self.proxy.calm or self.left > 0:
                key.data.sendall(piece)
            elif not self.fault(piece, key.data):
                return False
        return True

    def fault(self, piece, to):
        """False: the connection is over."""
        self.left = self.chance.expovariate(1 / self.proxy.bytes_per_fault)
        kind = self.chance.choices(("delay", "cut", "hang", "half"), (4, 4, 1, 1))[0]
        self.proxy.count(kind)
        if kind == "delay":
            time.sleep(self.chance.random() * 0.2)
            to.sendall(piece)
            return True
        to.sendall(piece[:self.chance.randrange(len(piece) + 1)])
        if kind == "hang":      # nothing moves, nobody is told; then it is over
            time.sleep(self.chance.random() * 2)
        elif kind == "half":    # one side believes in a connection that the other does not have any more
            reset(self.server if self.chance.random() < 0.5 else self.client)
            time.sleep(self.chance.random() * 2)
        return False

    def end(self):
        reset(self.client)
        reset(self.server)
        if self.proxy.replays and not self.proxy.closing and self.chance.random() < self.proxy.replays:
            self.proxy.count("replay")
            self.replay()

    def replay(self):
        try:
            with socket.create_connection(self.proxy.to, timeout=5) as again:
                again.settimeout(5)
                again.sendall(self.kept)
                while again.recv(PIECE_BYTES):      # the daemon's greeting; until it has had enough of us, or we of it
                    again.settimeout(0.5)
        except OSError:
            pass


class Proxy:
    """with Proxy("tcp://127.0.0.1:7701", seed) as proxy: … proxy.where …     `replays`: how often one is played again"""

    def __init__(self, where, seed, bytes_per_fault=1 << 20, replays=0.0):
        host, port = where.removeprefix("tcp://").split(":")
        self.to, self.chance = (host, int(port)), random.Random(seed)
        self.bytes_per_fault, self.replays = bytes_per_fault, replays
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.listener.settimeout(0.2)
        self.where = f"tcp://127.0.0.1:{self.listener.getsockname()[1]}"
        self.closing = self.calm = False
        self.counts, self.lock = {}, threading.Lock()
        self.thread = threading.Thread(target=self._accept, daemon=True)

    def count(self, kind):
        with self.lock:
            self.counts[kind] = self.counts.get(kind, 0) + 1

    def _accept(self):
        while not self.closing:
            try:
                client, _ = self.listener.accept()
            except (TimeoutError, OSError):
                continue
            self.count("connection")
            Pair(self, client, self.chance.random()).start()

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *unused):
        self.closing = True
        self.thread.join(5)
        self.listener.close()
