# SPDX-License-Identifier: MIT
"""The daemon, or what stands in its place, as a process on an empty directory of its own."""
import os
import shutil
import subprocess
import tempfile
import threading
import time

from measure import proc

DOORS = ("trades", "acks", "alerts", "live", "requests")


def clean_environment():
    """Ours, without what would configure the daemon."""
    return {key: value for key, value in os.environ.items() if not key.startswith("TAPEWARDEN_")}


class Process:
    """`with`: started and ready; ended and its directory gone afterwards."""

    def __init__(self, bench):
        self.bench = bench
        self.directory = tempfile.mkdtemp(prefix="tapewarden-bench-", dir=bench.directory)
        self.said, self.process = [], None

    def endpoint(self, door):
        return self.bench.endpoint(DOORS.index(door))

    def command(self):
        raise NotImplementedError

    def start(self):
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, env=clean_environment())
        for line in self.process.stderr:
            self.said.append(line)
            if " ready " in line:
                break
        else:
            raise SystemExit("the daemon did not start: " + "".join(self.said[-3:]))
        threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True).start()

    def _read(self, stream):
        for line in stream:     # never let it wait for us
            self.said.append(line)

    def stop(self):
        """Ends it; its directory stays until the end of `with`."""
        if self.process is not None:
            self.process.terminate()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
            self.process = None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused):
        self.stop()
        shutil.rmtree(self.directory, ignore_errors=True)

    # --- what it uses

    def threads(self):
        return proc.thread_ns(self.process.pid)

    def memory(self, key="RssAnon"):
        return proc.memory(self.process.pid, key)

    def written(self):
        return proc.written(self.process.pid)

    def disk(self):
        return proc.disk(self.directory)

    def settle(self, most=20.0):
        """Waits until it has nothing to do any more (indexes, alerts and compactions come behind the acks)."""
        begun, before = time.monotonic(), sum(self.threads().values())
        while time.monotonic() - begun < most:
            time.sleep(0.25)
            now = sum(self.threads().values())
            if now - before < 5_000_000:    # 2 % of a processor
                break
            before = now
        return time.monotonic() - begun

    def idle_percent(self, seconds):
        """How much of one processor it takes while nothing comes."""
        before = sum(self.threads().values())
        time.sleep(seconds)
        return (sum(self.threads().values()) - before) / (seconds * 1e9) * 100


class Daemon(Process):
    def __init__(self, bench, *settings):
        super().__init__(bench)
        self.settings, self.data = settings, os.path.join(self.directory, "data")

    def options(self):
        """What points another command at it."""
        return [word for door in DOORS for word in ("--set", f"bind/{door}={self.endpoint(door)}")]

    def command(self):
        sets = [word for setting in self.settings for word in ("--set", setting)]
        return [self.bench.program("tapewarden"), "run", "--data", self.data, *self.options(), *sets]


class Floor(Process):
    """bench_echo in the daemon's place."""

    def __init__(self, bench, store):
        super().__init__(bench)
        self.store = store

    def command(self):
        return [self.bench.program("tests/bench_echo"), self.store, self.directory,
                *(self.endpoint(door) for door in ("trades", "acks", "alerts"))]
