# SPDX-License-Identifier: MIT
"""The Python examples and the installed C library do what they promise, also through a kill of the daemon."""

import importlib.util
import json
import os
import signal
import subprocess
import sys
import unittest

import msgpack
import zmq

from harness import Catchup, Daemon, Publisher, Scratch, Subscriber, run_tool, scaled, trade
from harness.daemon import environment, free_ports
from harness.verdict import exported
from harness.waiting import PATIENCE, Deadline
from test_tools import csv_of, wait_until

ROOT = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
EXAMPLES = os.path.join(ROOT, "tools", "examples")


class Script:
    """An example beside the test; its output goes to a file."""

    def __init__(self, name, *arguments):
        self.scratch = Scratch()
        self.path = self.scratch.path("out")
        with open(self.path, "wb") as out:
            self.process = subprocess.Popen([sys.executable, os.path.join(EXAMPLES, name), *map(str, arguments)],
                                            stdout=out, stderr=subprocess.PIPE, env=environment())

    def lines(self):
        with open(self.path, encoding="utf-8") as file:
            return [line for line in file.read().split("\n") if line]

    def end(self, seconds=60):
        """(exit code, standard error)"""
        _, err = self.process.communicate(timeout=Deadline(seconds, f"the end of {self.process.args[1]}").left())
        return self.process.returncode, err.decode()

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.process.stderr.close()
        self.scratch.__exit__()


class Resending(unittest.TestCase):
    """The publisher's class by itself; the test plays the daemon, hands it the acks, and looks that each number has its own trade."""

    def setUp(self):
        specification = importlib.util.spec_from_file_location("publisher", os.path.join(EXAMPLES, "publisher.py"))
        module = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(module)
        context = zmq.Context.instance()
        trades, acks = (f"tcp://127.0.0.1:{port}" for port in free_ports(2))
        self.pull = context.socket(zmq.PULL)
        self.pull.bind(trades)
        self.addCleanup(self.pull.close, 0)
        self.publisher = module.Publisher("desk-7", trades, acks)
        self.addCleanup(self.publisher.close)

    def ack(self, durable):
        return {"v": 1, "pub": "desk-7", "inc": 0, "durable": durable, "next": durable + 1, "gap": 0, "credit": 65536, "refused": [],
                "refused_total": 0, "hold": None}

    def received(self, seconds=5):
        """The next message's numbers."""
        self.assertTrue(self.pull.poll(seconds * PATIENCE * 1000))
        message = msgpack.unpackb(self.pull.recv())
        numbers = [trade["number"] for trade in message["trades"]]
        self.assertEqual(numbers, list(range(message["seq"], message["seq"] + len(numbers))))
        return numbers

    def numbers(self, count):
        """Of the next messages; a hello has none."""
        numbers = []
        while len(numbers) < count:
            numbers += self.received()
        return numbers

    def test_what_became_durable_before_it_was_sent_again_is_left_out(self):
        def greeted():
            self.publisher.pump(0.02)
            return self.pull.poll(0)
        wait_until("the hello", greeted)
        self.publisher.on_ack(self.ack(0))
        self.publisher.start()
        for number in range(1, 1201):
            self.publisher.add({"number": number})
        self.publisher.pump(0)
        self.assertEqual(self.numbers(1200), list(range(1, 1201)))
        for durable in (300, 700, 1200):
            self.publisher.rewind()     # after a second without progress, say
            self.publisher.on_ack(self.ack(durable))
            self.publisher.pump(0)
            self.assertEqual(self.numbers(1200 - durable), list(range(durable + 1, 1201)))
        self.publisher.wait()


class Examples(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.daemon = self.enterContext(Daemon(sets={"exposure/remark": 0}))

    def publisher(self, file, *arguments):
        return self.enterContext(Script("publisher.py", file, *arguments, "--trades", self.daemon.doors["trades"], "--acks",
                                        self.daemon.doors["acks"]))

    def alerts(self, *arguments):
        return self.enterContext(Script("alerts.py", *arguments, "--alerts", self.daemon.doors["alerts"], "--requests",
                                        self.daemon.doors["requests"]))

    def test_the_publisher_publishes_a_csv(self):
        file = self.scratch.write("a.csv", csv_of(1200))
        code, err = self.publisher(file, "--as", "desk-7").end()
        self.assertEqual(code, 0, err)
        self.assertEqual(self.daemon.stop()[0], 0)
        self.assertEqual([row["id"] for row in exported(self.daemon.data)], [f"t{n}" for n in range(1, 1201)])

    def test_the_publisher_goes_on_through_a_kill(self):
        count = scaled(100000, 10000)
        script = self.publisher(self.scratch.write("a.csv", csv_of(count)), "--as", "desk-7")
        with Publisher(self.daemon, "desk-7") as observer:
            for part in (0.02, 0.2):
                wait_until("some of it", lambda part=part: observer.hello()["durable"] > count * part, seconds=60)
                self.daemon.kill()
                self.daemon.restart()
        code, err = script.end(120)
        self.assertEqual(code, 0, err)
        self.assertEqual(self.daemon.stop()[0], 0)
        self.assertEqual([row["pseq"] for row in exported(self.daemon.data)], list(range(1, count + 1)))

    def test_the_publisher_tells_refusals_and_stops_at_a_hold(self):
        file = self.scratch.write("a.csv", csv_of(5).replace(",X,", ",X" + "x" * 40 + ",", 1))
        code, err = self.publisher(file, "--as", "desk-7").end()
        self.assertEqual(code, 0, err)
        self.assertIn("bad_symbol", err)
        with Publisher(self.daemon, "desk-7", 1) as new:
            new.hello()
        code, err = self.publisher(file, "--as", "desk-7").end()
        self.assertEqual(code, 4, err)

    def test_alerts_once_and_followed_through_a_kill(self):
        with Publisher(self.daemon, "desk-7") as publisher, Subscriber(self.daemon) as subscriber:
            publisher.publish([trade(qty=20000, symbol=f"S{i}", account=None) for i in range(700)])
            subscriber.wait_head("700 alerts", lambda head: head["last"] == 700)
            once = self.alerts("--once")
            self.assertEqual(once.end()[0], 0)
            with Catchup(self.daemon) as catchup:
                self.assertEqual(list(map(json.loads, once.lines())), [alert for alert, _ in catchup.everything()])
            follower = self.alerts("--after", 650)
            wait_until("the recorded alerts", lambda: len(follower.lines()) == 50, seconds=20)
            self.daemon.kill()
            self.daemon.restart()
            publisher.hello()
            publisher.publish([trade(qty=20000, symbol=f"T{i}", account=None) for i in range(30)])
            wait_until("the new alerts", lambda: len(follower.lines()) == 80, seconds=30)
            follower.process.send_signal(signal.SIGINT)
            code, err = follower.end()
            self.assertEqual(code, 0, err)
            self.assertEqual([json.loads(line)["n"] for line in follower.lines()], list(range(651, 731)))

    def test_a_daemon_with_fewer_alerts_is_exit_3(self):
        code, err = self.alerts("--after", 100).end()
        self.assertEqual(code, 3, err)
        self.assertIn("the daemon has only 0 alerts, we are at 100", err)

    def test_nobody_there_is_exit_3(self):
        self.daemon.stop()
        self.assertEqual(self.publisher(self.scratch.write("a.csv", csv_of(3)), "--as", "desk-7").end()[0], 3)
        self.assertEqual(self.alerts("--timeout", 1).end()[0], 3)


CLIENT = r"""
#include <stdio.h>
#include <string.h>
#include <tapewarden.h>

int main(int argc, char **argv)
{
    struct tapewarden_error error;
    struct tapewarden_publisher_options options = {
        .name = "c-client", .trades_endpoint = argv[1], .acks_endpoint = argv[2], .go_on = true};
    struct tapewarden_publisher *publisher = tapewarden_publisher_new(&options, &error);
    if (argc != 3 || publisher == NULL || tapewarden_publisher_start(publisher, 10000) != TAPEWARDEN_OK)
        return 3;
    for (int i = 0; i < 1000; i++) {
        struct tapewarden_trade trade = {.symbol = {"X", 1}, .account = {"A", 1}, .qty_e8 = 100000000, .price_e8 = 100000000,
                                         .ts_ns = 1381190400000000000 + i, .has_ts = true, .side = TAPEWARDEN_BUY};
        if (tapewarden_publisher_add(publisher, &trade, 10000) != TAPEWARDEN_OK)
            return 1;
    }
    if (tapewarden_publisher_wait(publisher, 10000) != TAPEWARDEN_OK)
        return 2;
    tapewarden_publisher_free(&publisher);
    return 0;
}
"""


class Installed(unittest.TestCase):
    @unittest.skipIf(PATIENCE > 1, "a sanitized library does not go into a plain program")
    def test_install_and_link_by_pkg_config(self):
        build = os.path.dirname(os.environ["TAPEWARDEN_BIN"])
        with Scratch() as scratch, Daemon() as daemon:
            prefix = scratch.path("prefix")
            install = subprocess.run(["cmake", "--install", build, "--prefix", prefix], capture_output=True, text=True,
                                     env=environment({"DESTDIR": scratch.path("root")}), check=False)
            self.assertEqual(install.returncode, 0, install)
            root = scratch.path("root") + prefix
            self.assertTrue(os.access(os.path.join(root, "bin", "tapewarden"), os.X_OK))
            [pc] = [os.path.join(at, name) for at, _, names in os.walk(root) for name in names if name.endswith(".pc")]
            source = scratch.write("client.c", CLIENT)
            flags = subprocess.run(["pkg-config", "--cflags", "--libs", "tapewarden-client"], capture_output=True, text=True,
                                   env=environment({"PKG_CONFIG_PATH": os.path.dirname(pc)}), check=True).stdout.split()
            subprocess.run(["gcc", source, "-o", scratch.path("client"), *flags], check=True)
            library = os.path.join(os.path.dirname(pc), "..")
            done = subprocess.run([scratch.path("client"), daemon.doors["trades"], daemon.doors["acks"]], check=False,
                                  env=environment({"LD_LIBRARY_PATH": library}), timeout=60)
            self.assertEqual(done.returncode, 0)
            with Publisher(daemon, "c-client") as observer:
                self.assertEqual(observer.hello()["durable"], 1000)
            version = run_tool("--version").out
            self.assertEqual(subprocess.run([os.path.join(root, "bin", "tapewarden"), "--version"], capture_output=True,
                                            text=True, check=True).stdout, version)


if __name__ == "__main__":
    unittest.main()
