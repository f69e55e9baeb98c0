# SPDX-License-Identifier: MIT
"""Deliveries under load, to what blocks, and under kill -9: who is well gets all of it soon, nothing is lost, repeats
carry the same key.

TW_TEST_KILLS: how often (8, times TW_TEST_SCALE). TW_TEST_SEED: of the moments (1; printed).
"""

import contextlib
import fcntl
import json
import os
import pathlib
import random
import signal
import time
import unittest

from harness import Catchup, Daemon, Publisher, Scratch, run_tool, scaled, trade, wait_until
from harness.market import Persistent
from harness.sinks import SystemLog, Webhook
from harness.waiting import PATIENCE
from harness.wire import DAY_NS

HELD_CONNECT = pathlib.Path(os.environ.get("TAPEWARDEN_BIN", "")).parent / "tests" / "libheld_connect.so"
KILLS = int(os.environ.get("TW_TEST_KILLS", scaled(8, 3)))
SEED = int(os.environ.get("TW_TEST_SEED", "1"))
ALERTS = scaled(1200, 1000)


def large(pub, number):
    """Every trade is an alert; each third one makes a symbol's exposure move as well, so that there are episodes."""
    account = f"A{number % 5}" if number % 3 == 0 else None
    return trade(symbol=f"S{number % 11}", side="BS"[number // 3 % 2], qty=20000, price=100, account=account,
                 ts=DAY_NS + number * 1_000_000, id=f"{pub}-{number}")


def memory_kib(daemon):
    with open(f"/proc/{daemon.process.pid}/status", encoding="ascii") as file:
        return next(int(line.split()[1]) for line in file if line.startswith("VmRSS:"))


def last_alert(daemon):
    with Catchup(daemon) as catchup:
        return len(catchup.everything())


class Load(unittest.TestCase):
    def test_a_sick_receiver_delays_only_itself_and_gets_everything_when_it_is_well(self):
        sick = {mode: Webhook(mode=mode) for mode in ("down", "slow", "busy", "closing", "broken")}
        well = [Webhook(), Webhook()]
        sets = {f"webhook/{mode}": sink.url for mode, sink in sick.items()}
        sets |= {f"webhook/well{i}": sink.url for i, sink in enumerate(well)}
        sets |= {"delivery/retry_max": 2}
        try:
            with Daemon(sets=sets) as daemon, Publisher(daemon, "desk-7") as publisher:
                before_kib = memory_kib(daemon)
                publisher.hello()
                began = time.monotonic()
                publisher.publish([trade(qty=20000, symbol=f"S{i % 50}", account=None) for i in range(ALERTS)])
                durable = time.monotonic() - began
                for sink in well:
                    sink.wait_numbers(ALERTS, seconds=15)
                healthy = time.monotonic() - began
                waiting = {mode: ALERTS - len(sink.numbers()) for mode, sink in sick.items()}
                for mode, count in waiting.items():
                    self.assertGreater(count, ALERTS // 2, mode)    # else it was not sick enough to show anything
                grown_kib = memory_kib(daemon) - before_kib
                began = time.monotonic()
                for sink in sick.values():
                    if sink.mode == "down":
                        sink.up()
                    sink.mode = "ok"
                for sink in sick.values():
                    sink.wait_numbers(ALERTS, seconds=40)
                recovered = time.monotonic() - began
                for sink in (*sick.values(), *well):
                    self.assertEqual(sink.repeats, 0)
                if PATIENCE == 1:       # a sanitizer keeps what was freed
                    self.assertLess(grown_kib, 64 << 10)
                wait_until("nothing is pending", lambda: not self.pending(daemon), seconds=20)
                print(f"{ALERTS} alerts durable in {durable:.2f} s, at the healthy receivers in {healthy:.2f} s; "
                      f"waiting for others {waiting}; all there {recovered:.2f} s after these were well; "
                      f"memory +{grown_kib} KiB")
        finally:
            for sink in (*sick.values(), *well):
                sink.close()

    @staticmethod
    def pending(daemon):
        done = run_tool("deliveries", "list", "--state", "pending", "--json", "--data", daemon.data)
        assert done.code == 0, done
        return done.out.splitlines()

    def test_a_stop_does_not_wait_for_a_receiver(self):
        with Webhook(mode="slow") as slow, Daemon(sets={"webhook/slow": slow.url}) as daemon:
            with Publisher(daemon, "desk-7") as publisher:
                publisher.publish([trade(qty=20000, symbol=f"S{i}", account=None) for i in range(50)])
            wait_until("an attempt under way", lambda: slow.requests > 0)
            code, seconds = daemon.stop()
            self.assertEqual(code, 0)
            self.assertLess(seconds, 2 * PATIENCE)
            slow.mode = "ok"
            daemon.restart()
            slow.wait_numbers(50)


@contextlib.contextmanager
def blocked(path):
    """Whoever opens the file blocks in the kernel, as on a mount that hangs: we hold a lease on it, and do not give it
    back before the end. (The kernel takes it after /proc/sys/fs/lease-break-time, 45 s.)"""
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)    # "somebody wants to open it"
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        yield
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)


def attempts(daemon, receiver):
    done = run_tool("deliveries", "list", "--receiver", receiver, "--json", "--data", daemon.data)
    assert done.code == 0, done
    return [json.loads(line) for line in done.out.splitlines()]


def numbers_in(path):
    """n of each line, in order."""
    with open(path, encoding="utf-8") as file:
        return [json.loads(line)["n"] for line in file]


class Blocks(unittest.TestCase):
    SETS = {"delivery/timeout": 1, "delivery/retry_first": 1, "delivery/retry_max": 1, "delivery/breaker": 3}

    def publish(self, daemon, count, name="desk-7"):
        with Publisher(daemon, name) as publisher:
            publisher.publish([trade(qty=20000, symbol=f"S{i % 50}", account=None) for i in range(count)])

    def test_a_file_that_blocks_delays_only_itself_and_no_stop(self):
        with Scratch() as scratch, Webhook() as ops:
            path = scratch.path("alerts.jsonl")
            with Daemon(sets=self.SETS | {"file/path": path, "webhook/ops": ops.url}) as daemon:
                with blocked(path):
                    self.publish(daemon, 50)
                    ops.wait_numbers(50)
                    daemon.await_line("file does not take alerts.*it took too long")
                    began = time.monotonic()
                    self.publish(daemon, 50, "desk-8")      # while it hangs
                    ops.wait_numbers(100)
                    self.assertLess(time.monotonic() - began, 10 * PATIENCE)    # and not the 45 s of the lease
                    self.assertIn("again", {row["state"] for row in attempts(daemon, "file")})
                    self.assertEqual(os.path.getsize(path), 0)
                    code, seconds = daemon.stop()
                    self.assertEqual(code, 0)
                    self.assertLess(seconds, 2 * PATIENCE)
                daemon.restart()
                wait_until("all lines", lambda: sorted(numbers_in(path)) == list(range(1, 101)))
                self.assertEqual(ops.repeats, 0)

    def test_a_file_that_comes_back_is_written_and_none_is_lost(self):
        with Scratch() as scratch:
            path = scratch.path("alerts.jsonl")
            with Daemon(sets=self.SETS | {"file/path": path}) as daemon:
                with blocked(path):
                    self.publish(daemon, 50)
                    daemon.await_line("file does not take alerts")
                daemon.await_line("file takes alerts again")
                wait_until("all lines", lambda: set(numbers_in(path)) == set(range(1, 51)))
                wait_until("all rows", lambda: {row["n"] for row in attempts(daemon, "file") if row["state"] == "delivered"} ==
                           set(range(1, 51)))
                # Those that hung came late, and went once more.
                self.assertLessEqual(len(numbers_in(path)), 100)

    def test_a_program_on_a_mount_that_hangs_delays_only_itself_and_no_stop(self):
        with Scratch() as scratch, Webhook() as ops:
            pages = scratch.write("pages", "")
            program = scratch.write("page", f"#!/bin/sh\ncat >>{pages}\n")
            os.chmod(program, 0o700)
            sets = self.SETS | {"command/argv": program, "command/timeout": 1, "webhook/ops": ops.url}
            with Daemon(sets=sets) as daemon:
                with blocked(program):      # whoever starts it waits in the kernel until it is loaded
                    self.publish(daemon, 5)
                    ops.wait_numbers(5)
                    daemon.await_line("command does not take alerts.*(it took too long|has not come back)")
                    began = time.monotonic()
                    self.publish(daemon, 50, "desk-8")
                    ops.wait_numbers(55)
                    self.assertLess(time.monotonic() - began, 10 * PATIENCE)    # and not the 45 s of the lease
                    self.assertEqual(numbers_in(pages), [])
                    if PATIENCE == 1:       # a leak checker stops every thread first, and one that waits for exec it cannot
                        code, seconds = daemon.stop()
                        self.assertEqual(code, 0)
                        self.assertLess(seconds, 2)
                if PATIENCE == 1:
                    daemon.restart()
                # One that was killed while it wrote is written again, by another.
                wait_until("all pages", lambda: set(numbers_in(pages)) == set(range(1, 56)), seconds=40)
                self.assertEqual(ops.repeats, 0)

    @unittest.skipUnless(HELD_CONNECT.exists(), "sanitizers do not go together with what is preloaded")
    def test_a_system_log_on_a_mount_that_hangs_delays_only_itself_and_no_stop(self):
        with Scratch() as scratch, Webhook() as ops, SystemLog(scratch.path("log")) as log:
            path = scratch.path("log")
            held = scratch.write("log.held", "")
            sets = self.SETS | {"syslog/address": path, "webhook/ops": ops.url}
            with Daemon(sets=sets, extra={"LD_PRELOAD": str(HELD_CONNECT), "TW_HELD_PATH": path}) as daemon:
                self.publish(daemon, 50)
                ops.wait_numbers(50)
                daemon.await_line("syslog does not take alerts.*(it took too long|has not come back)")
                self.publish(daemon, 50, "desk-8")
                ops.wait_numbers(100)
                self.assertEqual(log.got, [])
                code, seconds = daemon.stop()
                self.assertEqual(code, 0)
                self.assertLess(seconds, 2 * PATIENCE)
                daemon.restart()
                daemon.await_line("syslog does not take alerts")
                os.unlink(held)             # it comes back
                daemon.await_line("syslog takes alerts again")
                log.wait("all of them", lambda got: {int(data["key"].split("-")[1]) for _, data, _ in got} ==
                         set(range(1, 101)))
                self.assertEqual(ops.repeats, 0)

    @unittest.skipUnless(HELD_CONNECT.exists(), "sanitizers do not go together with what is preloaded")
    def test_a_name_server_that_does_not_answer_delays_only_who_is_named_and_no_stop(self):
        with Scratch() as scratch, Webhook() as ops:
            scratch.write("names.held", "")
            sets = self.SETS | {"webhook/far": "http://receiver.example:8080/", "webhook/ops": ops.url, "delivery/timeout": 1}
            held = {"LD_PRELOAD": str(HELD_CONNECT), "TW_HELD_PATH": scratch.path("names"), "TW_HELD_NAME": "receiver.example"}
            with Daemon(sets=sets, extra=held) as daemon:
                for number in range(4):         # the name is looked up again and again meanwhile
                    self.publish(daemon, 10, f"desk-{number}")
                    ops.wait_numbers(10 * (number + 1))
                    if number == 0:
                        daemon.await_line("far does not take alerts")
                code, seconds = daemon.stop()
                self.assertEqual(code, 0)
                self.assertLess(seconds, 2 * PATIENCE)

    def test_a_system_log_that_is_full_gets_the_rest_when_it_has_room(self):
        with Scratch() as scratch, Webhook() as ops, SystemLog(scratch.path("log"), reads=False) as log:
            sets = self.SETS | {"syslog/address": scratch.path("log"), "webhook/ops": ops.url}
            with Daemon(sets=sets) as daemon:
                count = 2 * self.datagrams() + 20
                self.publish(daemon, count)
                ops.wait_numbers(count)
                daemon.await_line("syslog does not take alerts.*Resource temporarily unavailable")
                log.read()
                got = log.wait("all of them", lambda got: got if len(got) >= count else None)
                daemon.await_line("syslog takes alerts again")
                # What did not fit was not there in part: each came once.
                self.assertEqual(sorted(int(data["key"].split("-")[1]) for _, data, _ in got), list(range(1, count + 1)))

    @staticmethod
    def datagrams():
        """So many wait at a local socket at most."""
        with open("/proc/sys/net/unix/max_dgram_qlen", encoding="ascii") as file:
            return int(file.read())


class Kills(unittest.TestCase):
    def test_kill_9_in_mid_delivery_loses_none_and_repeats_carry_the_same_key(self):
        print(f"TW_TEST_SEED={SEED} TW_TEST_KILLS={KILLS}")
        chance = random.Random(SEED)
        with Webhook() as ops, Webhook(mode="slow") as slow:
            sets = {"webhook/ops": ops.url, "webhook/slow": slow.url, "delivery/retry_max": 2, "severity/slow": "CRITICAL"}
            with Daemon(sets=sets) as daemon:
                path = daemon.scratch.path("alerts.jsonl")
                daemon.sets["file/path"] = path
                self.assertEqual(daemon.stop()[0], 0)
                daemon.restart()
                publisher = Persistent(daemon, "desk-7", batch=20, maker=large, window=5)
                publisher.start()
                for kill in range(KILLS):
                    with self.subTest(kill=kill):
                        there = len(ops.numbers())
                        publisher.wait_progress(chance.randint(1, 300))
                        ops.wait("more deliveries", lambda got, past=there: len(got) > past)
                        daemon.kill()
                        daemon.spawn()
                        daemon.await_ready()
                publisher.finish()
                last = last_alert(daemon)
                ops.wait_numbers(last, seconds=60)
                slow.mode = "ok"
                critical = self.of_severity(daemon, "CRITICAL")
                slow.wait("all that are critical", lambda got: slow.numbers() == critical, seconds=60)
                keys = wait_until("all lines", lambda: self.keys(path, last), seconds=60)
                self.assertEqual(daemon.stop()[0], 0)
                self.assertEqual(len({key.split("-")[0] for key in keys}), 1)
                verify = run_tool("store", "verify", "--data", daemon.data)
                self.assertEqual(verify.code, 0, verify)
                print(f"{last} alerts, {KILLS} kills: {ops.repeats} repeats, all under their keys; {len(critical)} critical")

    @staticmethod
    def of_severity(daemon, severity):
        with Catchup(daemon) as catchup:
            return [alert["n"] for alert, _ in catchup.everything(severity=severity)]

    @staticmethod
    def keys(path, last):
        """The keys in the file once it has 1 to `last`."""
        rows = {}
        with open(path, encoding="utf-8") as file:
            for line in file.read().splitlines():
                try:
                    row = json.loads(line)
                except ValueError:
                    continue    # cut off by a kill, and written again
                assert rows.setdefault(row["n"], row) == row, row["n"]
        return [row["key"] for row in rows.values()] if sorted(rows) == list(range(1, last + 1)) else None


if __name__ == "__main__":
    unittest.main()
