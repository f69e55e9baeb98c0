# SPDX-License-Identifier: MIT
"""Publishers and a subscriber against a daemon, and what that cost it."""
import json
import shutil
import subprocess
import threading
import time

from measure import proc

FREE_MIN = 8 << 30      # bytes of disk that stay free, whatever was asked for


class Eyes:
    """The subscriber process."""

    def __init__(self, bench, daemon):
        self.process = subprocess.Popen([bench.program("tests/bench_subscriber"), daemon.endpoint("alerts")],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def close(self):
        return json.loads(self.process.communicate()[0] or "{}")


class Sampler(threading.Thread):
    """The daemon's memory each second; ends the publishers when the disk gets full."""

    def __init__(self, daemon, publishers):
        super().__init__(daemon=True)
        self.watched, self.publishers, self.over = daemon, publishers, threading.Event()
        self.begun, self.samples, self.full = time.monotonic(), [], False

    def run(self):
        while not self.over.wait(1):
            self.samples.append((time.monotonic() - self.begun, self.watched.memory()))
            if shutil.disk_usage(self.watched.directory).free < FREE_MIN and not self.full:
                self.full = True
                for publisher in self.publishers:
                    publisher.terminate()


def _start(bench, daemon, mode, seconds, names, options, publishers):
    doors = [daemon.endpoint("trades"), daemon.endpoint("acks")]
    for index, name in enumerate(names):
        extra = dict(options, wait=1)
        if len(names) > 1:
            extra.update(hands=len(names), hand=index)  # all of them together send what one would
        command = [bench.program("tests/bench_publisher"), mode, *doors, name, str(seconds),
                   *(f"{key}={value}" for key, value in extra.items())]
        publishers.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True))


def _all_ready(publishers):
    for publisher in publishers:
        if publisher.stdout.readline() != "ready\n":
            raise SystemExit("a publisher did not get ready")


def _run(publishers):
    for publisher in publishers:
        publisher.stdin.write("\n")
        publisher.stdin.flush()
    said = [json.loads(publisher.communicate()[0] or "null") for publisher in publishers]
    if any(publisher.returncode != 0 for publisher in publishers) or None in said:
        raise SystemExit("a publisher failed")
    return said


def _sum_up(said, eyes, spent):
    """One run's figures, from what publishers, subscriber and /proc say."""
    trades = sum(one["trades"] for one in said)
    result = dict(said[0], **(eyes or {}), trades=trades)
    if "ended_ns" in said[0]:
        begun, ended = min(one["begun_ns"] for one in said), max(one["ended_ns"] for one in said)
        result["durable_per_second"] = trades / (ended - begun) * 1e9
        # Durable and judged: until the last ack and the last alert.
        result["trades_per_second"] = trades / (max(ended, result.get("last_ns", 0)) - begun) * 1e9
        result["seconds"] = (ended - begun) / 1e9
    result["threads_ns"] = {name: ns / trades for name, ns in spent.items()}
    result["cpu_ns"] = sum(result["threads_ns"].values())
    return result


def drive(bench, daemon, mode, seconds, publishers=1, name="load", eyes=True, settle=20.0, begun=None, **options):
    """One load, from its first trade to its last ack and alert; the processor time until nothing was left to do.
    begun() is called when the clock starts."""
    names = [name] if publishers == 1 else [f"{name}-{index + 1}" for index in range(publishers)]
    watching = Eyes(bench, daemon) if eyes else None
    processes, seen = [], None
    try:
        _start(bench, daemon, mode, seconds, names, options, processes)
        _all_ready(processes)
        threads, written = daemon.threads(), daemon.written()
        sampler = Sampler(daemon, processes)
        sampler.start()
        if begun is not None:
            begun()
        said = _run(processes)
        sampler.over.set()
        sampler.join()
        settled = daemon.settle(settle)
        spent = proc.spent_ns(threads, daemon.threads())
    finally:
        for process in processes:
            if process.poll() is None:
                process.kill()
                process.wait()
        seen = watching.close() if watching else None
    result = _sum_up(said, seen, spent)
    result.update(settled=settled, samples=sampler.samples, disk_full=sampler.full, peak=daemon.memory("VmHWM"),
                  memory=daemon.memory(), written=(daemon.written() - written) / result["trades"],
                  disk=daemon.disk() / result["trades"])
    return result
