# SPDX-License-Identifier: MIT
"""The daemon as a process: start, `ready`, stop, kill, start again; and the other commands."""

import fcntl
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

from harness.waiting import PATIENCE, Deadline

DOORS = ("trades", "acks", "alerts", "live", "requests")
_random = random.SystemRandom()


def executable():
    path = os.environ.get("TAPEWARDEN_BIN")
    if not path:
        raise RuntimeError("TAPEWARDEN_BIN must name the tapewarden executable (ctest sets it)")
    return path


def environment(extra=None):
    """Ours, without what would configure the daemon behind the test's back."""
    kept = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR", "ASAN_OPTIONS", "UBSAN_OPTIONS", "TSAN_OPTIONS", "LSAN_OPTIONS",
            "PYTHONDONTWRITEBYTECODE")
    return {name: os.environ[name] for name in kept if name in os.environ} | (extra or {})


RESERVED_MAX = 400  # at a time; what was reserved longer ago is in use by now, or was
_reserved = []      # files that are locked


def _reserve(port):
    """Whether the port is ours now: tests that run beside this one choose from the same ones, and bind them later."""
    directory = os.path.join(tempfile.gettempdir(), "tapewarden-ports")
    os.makedirs(directory, exist_ok=True)
    file = os.open(os.path.join(directory, str(port)), os.O_CREAT | os.O_RDWR, 0o666)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        os.close(file)
        return False
    _reserved.append(file)
    if len(_reserved) > RESERVED_MAX:
        os.close(_reserved.pop(0))
    return True


def free_ports(count):
    """Ports below those that the kernel gives out by itself: a reconnecting client cannot sit down on them."""
    ports = []
    while len(ports) < count:
        port = _random.randrange(20000, 32000)
        if _reserve(port):
            ports.append(port)
    return ports


class Scratch:
    """A directory that is gone afterwards: `with Scratch() as s: s.path("data")`."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="tapewarden-test-")

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def write(self, name, content):
        path = self.path(name)
        with open(path, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
        return path

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        shutil.rmtree(self.directory, ignore_errors=True)


class Done:
    """A command that ended."""

    def __init__(self, code, out, err, seconds):
        self.code, self.out, self.err, self.seconds = code, out, err, seconds

    def __repr__(self):
        return f"exit code {self.code}\nstdout: {self.out[-2000:]}\nstderr: {self.err[-4000:]}"


def run_tool(*arguments, seconds=30, stdin=None, extra=None):
    """`tapewarden ARGUMENTS...` to its end."""
    began = time.monotonic()
    run = subprocess.run([executable(), *map(str, arguments)], input=stdin, capture_output=True, env=environment(extra),
                         timeout=seconds * PATIENCE, check=False)
    return Done(run.returncode, run.stdout.decode("utf-8", "replace"), run.stderr.decode("utf-8", "replace"),
                time.monotonic() - began)


class Daemon:
    """`tapewarden run` on ports and a data directory of its own.

    with Daemon(sets={"pipeline/shards": 2}) as daemon: ...        starts it, and ends it however the test ended
    """

    def __init__(self, data=None, sets=None, feeds=None, extra=None):
        self.scratch = Scratch()
        self.data = data or self.scratch.path("data")
        self.sets = dict(sets or {})
        self.sets |= {f"feeds/{name}": where for name, where in (feeds or {}).items()}
        self.extra = extra
        ports = free_ports(len(DOORS))
        self.doors = {door: f"tcp://127.0.0.1:{port}" for door, port in zip(DOORS, ports)}
        self.process = self.reader = None
        self.log, self.heard = [], threading.Condition()
        self.ready_line = None

    # --- life

    def options(self):
        """What points another command at this daemon."""
        pairs = {f"bind/{door}": where for door, where in self.doors.items()} | self.sets
        return [word for key, value in pairs.items() for word in ("--set", f"{key}={value}")]

    def spawn(self):
        """Starts the process; does not wait for `ready`."""
        assert self.process is None, "it is running already"
        self.log, self.ready_line = [], None
        self.process = subprocess.Popen([executable(), "run", "--data", self.data, *self.options()],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        env=environment(self.extra))
        self.reader = threading.Thread(target=self._read, args=(self.process.stderr, self.log), daemon=True)
        self.reader.start()

    def _read(self, stream, log):
        for raw in stream:
            line = raw.decode("utf-8", "replace").rstrip("\n")
            with self.heard:
                log.append(line)
                if re.search(r"\bready trades=", line):
                    self.ready_line = line
                self.heard.notify_all()
        with self.heard:
            log.append(None)    # the end
            self.heard.notify_all()

    def start(self, seconds=30):
        self.spawn()
        self.await_ready(seconds)
        return self

    def await_ready(self, seconds=30):
        deadline = Deadline(seconds, "the line `ready`")
        with self.heard:
            while self.ready_line is None:
                if self.log and self.log[-1] is None:
                    raise AssertionError(f"the daemon ended before `ready`:\n{self.said()}")
                self.heard.wait(deadline.left())

    def await_line(self, pattern, seconds=10):
        """The first line of the log that matches."""
        deadline = Deadline(seconds, f"a line of the log like {pattern!r}")
        with self.heard:
            while True:
                for line in self.log:
                    if line is not None and re.search(pattern, line):
                        return line
                self.heard.wait(deadline.left())

    def said(self):
        return "\n".join(line for line in self.log if line is not None)

    def endpoints(self):
        """As the line `ready` says them."""
        return dict(re.findall(r"(\w+)=(\S+)", self.ready_line))

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def _reap(self, seconds, what):
        try:
            code = self.process.wait(seconds * PATIENCE)
        except subprocess.TimeoutExpired:
            raise TimeoutError(f"waited {seconds * PATIENCE:.1f} s for {what}\n{self.said()}") from None
        self.reader.join(5)
        self.process.stderr.close()
        self.process = None
        return code

    def stop(self, seconds=20, by=signal.SIGTERM):
        """(exit code, seconds it took)"""
        began = time.monotonic()
        self.process.send_signal(by)
        code = self._reap(seconds, "the end after a signal")
        return code, time.monotonic() - began

    def kill(self):
        """kill -9"""
        self.process.send_signal(signal.SIGKILL)
        code = self._reap(10, "the end after kill -9")
        assert code == -signal.SIGKILL, f"it had ended before by itself, exit code {code}:\n{self.said()}"

    def wait_end(self, seconds=30):
        """The exit code of a daemon that ends by itself."""
        return self._reap(seconds, "the end")

    def restart(self, seconds=30):
        return self.start(seconds)

    # --- with

    def __enter__(self):
        try:
            return self.start()
        except BaseException:
            if self.process is not None:
                self.process.kill()
                self.process.wait()
            print(f"--- the daemon's log ---\n{self.said()[-4000:]}")
            self.scratch.__exit__()
            raise

    def __exit__(self, kind, *unused):
        try:
            if self.process is not None:
                ended = self.process.poll()
                self.process.kill()
                self._reap(20, "the end after kill -9")
                if ended is not None and kind is None:
                    raise AssertionError(f"the daemon had ended by itself, exit code {ended}:\n{self.said()}")
        finally:
            if kind is not None and self.log:
                print(f"--- the daemon's log ---\n{self.said()[-4000:]}")
            self.scratch.__exit__()
