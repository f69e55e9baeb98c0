# SPDX-License-Identifier: MIT
"""Receivers of alerts: bench_sink as a process, and what it has seen."""
import json
import subprocess
import time

from measure import proc


class Receivers:
    """`with`: webhooks that listen. modes: {name: mode of bench_sink}."""

    def __init__(self, bench, modes, offset=10):
        self.bench, self.modes = bench, modes
        self.ports = {name: bench.port + offset + index for index, name in enumerate(modes)}
        self.process = None

    def settings(self):
        """What makes the daemon deliver to them."""
        return [f"webhook/{name}={self.url(name)}" for name in self.modes]

    def url(self, name):
        return f"http://127.0.0.1:{self.ports[name]}/alerts"

    def _ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        said = json.loads(self.process.stdout.readline())
        return {name: said[str(port)] for name, port in self.ports.items()}

    def state(self):
        """{name: counts}"""
        return self._ask("state")

    def spent_ns(self):
        """Their processor time so far."""
        return sum(proc.thread_ns(self.process.pid).values())

    def set_mode(self, name, mode):
        self._ask(f"mode {self.ports[name]} {mode}")

    def wait(self, names, alerts, seconds):
        """Until each of these has so many different alerts; what all have seen then. SystemExit if it takes too long."""
        end = time.monotonic() + seconds
        while True:
            state = self.state()
            if all(state[name]["alerts"] >= alerts for name in names):
                return state
            if time.monotonic() > end:
                raise SystemExit(f"not all alerts came within {seconds} s: {state}")
            time.sleep(0.02)

    def __enter__(self):
        command = [self.bench.program("tests/bench_sink"), *(f"{self.ports[name]}={mode}" for name, mode in self.modes.items())]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != "ready\n":
            raise SystemExit("the receivers did not start")
        return self

    def __exit__(self, *unused):
        self.process.stdin.close()
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
