# SPDX-License-Identifier: MIT
"""The commands as people use them: publish, alerts, simulate, replay, store, config."""

import csv
import gzip
import io
import json
import os
import signal
import subprocess
import time
import unittest

import zmq

from harness import Catchup, Daemon, Publisher, Scratch, Subscriber, pack, run_tool, scaled, trade, wait_until
from harness.daemon import environment, executable
from harness.verdict import exported, judge_rows
from harness.waiting import PATIENCE, Deadline
from harness.wire import unpack

HEADER = "ts,symbol,side,qty,price,account,venue,id"
TS = 1381190400_000000000


def csv_of(count, start=1, header=HEADER):
    lines = [f"{TS + number * 1000000},X,B,{100 + number},10.5,A{number % 3},V,t{number}"
             for number in range(start, start + count)]
    return "\n".join([header, *lines]) + "\n"


def unread_bytes(endpoint):
    """What has arrived at the other ends of this endpoint's connections, and nobody has read."""
    port = f":{int(endpoint.rsplit(':', 1)[1]):04X}"
    with open("/proc/net/tcp", encoding="ascii") as file:
        lines = [line.split() for line in file]
    return sum(int(line[4].split(":")[1], 16) for line in lines if line[2].endswith(port))


class Tool:
    """A command that runs beside the test; its lines as they come."""

    def __init__(self, *arguments, stdin=None):
        self.process = subprocess.Popen([executable(), *map(str, arguments)], stdout=subprocess.PIPE, stdin=stdin,
                                        stderr=subprocess.PIPE, env=environment())
        self.lines = []
        os.set_blocking(self.process.stdout.fileno(), False)
        self.rest = b""

    def read(self):
        chunk = self.process.stdout.read() or b""
        *lines, self.rest = (self.rest + chunk).split(b"\n")
        self.lines += [line.decode() for line in lines]
        return self.lines

    def wait_lines(self, count, seconds=15):
        wait_until(f"{count} lines of {self.process.args[1]}", lambda: len(self.read()) >= count, seconds)
        return self.lines

    def end(self, by=signal.SIGINT, seconds=10):
        self.process.send_signal(by)
        deadline = Deadline(seconds, f"the end of {self.process.args[1]}")
        code = self.process.wait(deadline.left())
        self.read()
        return code

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()
        self.process.stderr.close()


class Publish(unittest.TestCase):
    def setUp(self):
        self.scratch = self.enterContext(Scratch())
        self.daemon = self.enterContext(Daemon())

    def publish(self, *arguments, **more):
        return run_tool("publish", *arguments, *self.daemon.options(), **more)

    def next_of(self, pub):
        with Publisher(self.daemon, pub) as publisher:
            return publisher.hello()["next"]

    def rows(self):
        self.assertEqual(self.daemon.stop()[0], 0)
        return exported(self.daemon.data)

    def test_a_file_by_every_way_in(self):
        plain = self.scratch.write("a.csv", csv_of(300))
        packed = self.scratch.write("b.csv.gz", gzip.compress(csv_of(300).encode()))
        lines = self.scratch.write("c.jsonl", "".join(
            json.dumps(trade(id=f"t{n}", qty=100 + n, price="10.5", account=f"A{n % 3}", venue="V", ts=TS + n * 1000000)) + "\n"
            for n in range(1, 301)))
        for pub, arguments, stdin in (("plain", [plain], None), ("gzip", [packed], None), ("lines", [lines], None),
                                      ("stdin", ["-"], csv_of(300).encode()), ("rows", [plain, "--form", "rows"], None),
                                      ("small", [plain, "--batch", 7], None)):
            with self.subTest(pub):
                done = self.publish(*arguments, "--as", pub, stdin=stdin)
                self.assertEqual(done.code, 0, done)
                self.assertEqual(self.next_of(pub), 301)
        rows = self.rows()

        def content(pub):
            return [{k: v for k, v in row.items() if k not in ("seq", "pub", "boot", "received_at")}
                    for row in rows if row["pub"] == pub]
        for pub in ("gzip", "lines", "stdin", "rows", "small"):
            self.assertEqual(content(pub), content("plain"), pub)

    def test_the_name_comes_from_the_content_and_the_same_file_changes_nothing(self):
        one, same = self.scratch.write("one.csv", csv_of(50)), self.scratch.write("same.csv", csv_of(50))
        other = self.scratch.write("other.csv", csv_of(51))
        for file in (one, one, same, other):
            done = self.publish(file)
            self.assertEqual(done.code, 0, done)
        rows = self.rows()
        self.assertEqual(len(rows), 101)
        self.assertEqual(len({row["pub"] for row in rows}), 2)

    def test_another_file_under_the_same_name_stops_or_appends(self):
        first, second = self.scratch.write("1.csv", csv_of(50)), self.scratch.write("2.csv", csv_of(50, start=1000))
        self.assertEqual(self.publish(first, "--as", "desk").code, 0)
        done = self.publish(second, "--as", "desk")
        self.assertEqual(done.code, 4, done)
        self.assertIn("--append", done.err)
        self.assertEqual(self.next_of("desk"), 51)
        self.assertEqual(self.publish(second, "--as", "desk", "--append").code, 0)
        self.assertEqual(self.next_of("desk"), 101)
        self.assertEqual([row["id"] for row in self.rows()][49:51], ["t50", "t1000"])

    def test_a_longer_file_of_the_same_beginning_goes_on(self):
        self.assertEqual(self.publish(self.scratch.write("1.csv", csv_of(50)), "--as", "desk").code, 0)
        self.assertEqual(self.publish(self.scratch.write("2.csv", csv_of(80)), "--as", "desk").code, 0)
        self.assertEqual(self.next_of("desk"), 81)

    def test_a_pipe_that_pauses_is_sent_as_it_comes(self):
        """No batch is waited for, nor the first 4 KiB; and nothing is given up because nothing comes."""
        lines = csv_of(5).splitlines(keepends=True)
        with Tool("publish", "-", "--as", "pipe", "--patience", "1", *self.daemon.options(), stdin=subprocess.PIPE) as tool:
            for count, text in ((0, lines[0]), (3, "".join(lines[1:4])), (4, lines[4])):
                tool.process.stdin.write(text.encode())
                tool.process.stdin.flush()
                wait_until(f"{count} trades", lambda count=count: self.next_of("pipe") == count + 1)
            paused = time.monotonic()
            wait_until("a pause that is longer than its patience", lambda: time.monotonic() - paused > 1.5)
            tool.process.stdin.write(lines[5].encode())
            tool.process.stdin.close()
            self.assertEqual(tool.process.wait(20 * PATIENCE), 0)
            self.assertEqual(self.next_of("pipe"), 6)

    def test_a_malformed_line_is_named_by_number_and_column(self):
        good = csv_of(10).splitlines()
        for column, cell, line in (("qty", "12,5", None), ("qty", "1e5", None), ("price", "abc", None),
                                   ("ts", "yesterday", None), ("side", "X", None), ("", "", "1,2"), ("", "", '"open')):
            with self.subTest(column=column, cell=cell, line=line):
                if line is None:
                    cells = good[5].split(",")
                    cells[HEADER.split(",").index(column)] = f'"{cell}"'
                    line = ",".join(cells)
                text = "\n".join([*good[:5], line, *good[6:]]) + "\n"
                file = self.scratch.write("bad.csv", text)
                done = self.publish(file, "--as", f"bad-{len(text)}-{column}{cell[:2]}".replace(",", "_"))
                self.assertEqual(done.code, 4, done)
                self.assertRegex(done.err, r"\b6\b")
                if column:
                    self.assertIn(column, done.err)

    def test_skip_bad_goes_on_behind_malformed_lines(self):
        lines = csv_of(10).splitlines()
        lines[3] = lines[3].replace(",10.5,", ",ten,")
        lines[7] = "nonsense"
        file = self.scratch.write("bad.csv", "\n".join(lines) + "\n")
        done = self.publish(file, "--as", "desk", "--skip-bad")
        self.assertEqual(done.code, 4, done)
        for number in ("4", "8"):
            self.assertRegex(done.err, rf"\b{number}\b")
        self.assertEqual([row["id"] for row in self.rows()], ["t1", "t2", "t4", "t5", "t6", "t8", "t9", "t10"])

    def test_without_a_name_a_malformed_file_sends_nothing_so_that_a_repaired_one_counts_once(self):
        lines = csv_of(10).splitlines()
        bad = lines[:3] + [lines[3].replace(",10.5,", ",ten,")] + lines[4:7] + ["nonsense"] + lines[8:]
        text = "\n".join(bad) + "\n"
        for arguments, stdin in (([self.scratch.write("a.csv", text)], None), (["-"], text.encode()),
                                 ([self.scratch.write("a.csv.gz", gzip.compress(text.encode()))], None)):
            done = self.publish(*arguments, "--json", stdin=stdin)
            self.assertEqual(done.code, 4, done)
            for number in ("4", "8"):
                self.assertRegex(done.err, rf":{number}: ")
            self.assertIn("nothing sent; 2 malformed lines", done.err)
            said = json.loads(done.out)
            self.assertEqual((said["complete"], said["accepted"], said["malformed"], said["durable"]), (False, 0, 2, 0))
        self.assertEqual(self.publish(self.scratch.write("a.csv", csv_of(10))).code, 0)
        self.assertEqual(self.publish(self.scratch.path("a.csv.gz"), "--skip-bad").code, 4)     # who wants it has it
        self.assertEqual([row["id"] for row in self.rows()],
                         [f"t{n}" for n in range(1, 11)] + [f"t{n}" for n in (1, 2, 4, 5, 6, 8, 9, 10)])

    def test_refused_trades_are_told_and_make_exit_4(self):
        text = csv_of(10).splitlines()
        text[4] = text[4].replace(",X,", ",X" + "x" * 40 + ",")
        done = self.publish(self.scratch.write("refused.csv", "\n".join(text) + "\n"), "--as", "desk")
        self.assertEqual(done.code, 4, done)
        self.assertIn("bad_symbol", done.err)
        self.assertEqual(len(self.rows()), 9)

    def test_an_unknown_column_and_a_missing_file(self):
        done = self.publish(self.scratch.write("odd.csv", csv_of(3, header=HEADER.replace("venue", "colour"))))
        self.assertIn(done.code, (2, 4), done)
        self.assertIn("colour", done.err)
        self.assertEqual(self.publish(self.scratch.path("nowhere.csv")).code, 3)
        self.assertEqual(self.publish().code, 2)

    def test_seconds_beyond_the_clock_are_refused(self):
        file = self.scratch.write("a.csv", csv_of(3))
        for option in ("--timeout", "--patience"):
            done = self.publish(file, option, 9999999999)
            self.assertEqual(done.code, 2, done)
            self.assertIn(f"{option} 9999999999: at most 1000000000 seconds", done.err)
        self.assertEqual(self.publish(file, "--timeout", 1000000000, "--patience", 1000000000).code, 0)

    def test_optional_columns_busts_and_corrections(self):
        text = ("ts,symbol,side,qty,price,account,id,kind,ref,owner,contra,broker,ccy\n"
                f"{TS},X,B,10,5,A,one,,,O,C,B,USD\n{TS + 1},X,B,10,5,A,two,correct,one,,,,\n{TS + 2},,,,,,three,bust,two,,,,\n")
        done = self.publish(self.scratch.write("kinds.csv", text), "--as", "desk")
        self.assertEqual(done.code, 0, done)
        rows = self.rows()
        self.assertEqual([row.get("kind", "trade") for row in rows], ["trade", "correct", "bust"])
        self.assertEqual((rows[0]["owner"], rows[0]["contra"], rows[0]["broker"]), ("O", "C", "B"))

    def test_rate_is_kept(self):
        done = self.publish(self.scratch.write("a.csv", csv_of(1000)), "--as", "slow", "--rate", 1000)
        self.assertEqual(done.code, 0, done)
        self.assertGreater(done.seconds, 0.8)

    def test_json_says_how_it_ended(self):
        done = self.publish(self.scratch.write("a.csv", csv_of(20)), "--as", "desk", "--json")
        said = json.loads(done.out.splitlines()[-1])
        self.assertEqual((done.code, said["durable"], said["refused"]), (0, 20, 0), done)

    def test_it_waits_out_a_restart_of_the_daemon(self):
        with Tool("publish", self.scratch.write("a.csv", csv_of(scaled(60000, 6000))), "--as", "desk", "--rate",
                  scaled(30000, 3000), "--batch", 500, *self.daemon.options()) as publish:
            with Publisher(self.daemon, "desk") as observer:
                observer.wait_ack("half of it", lambda ack: ack["durable"] > scaled(20000, 2000), seconds=30)
            self.daemon.kill()
            self.daemon.restart()
            code = publish.process.wait(Deadline(60, "the end of publish").left())
            self.assertEqual(code, 0, publish.process.stderr.read())
        self.assertEqual([row["pseq"] for row in self.rows()], list(range(1, scaled(60000, 6000) + 1)))

    def test_two_answers_at_once_move_no_row(self):
        """Trades of an earlier process are still being taken: the first two answers to the hello differ, and both are
        there when publish looks."""
        with zmq.Context() as context, context.socket(zmq.PULL) as trades, context.socket(zmq.XPUB) as acks:
            doors = [f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}" for socket in (trades, acks)]
            file = self.scratch.write("a.csv", csv_of(12))
            with Tool("publish", file, "--form", "rows", "--connect-trades", doors[0], "--connect-acks", doors[1]) as publish:
                def receive():
                    self.assertTrue(trades.poll(10_000 * PATIENCE), publish.process.poll())
                    return unpack(trades.recv())

                def say(durable):
                    acks.send_multipart([f"ack.{pub}.".encode(), pack(
                        {"v": 1, "pub": pub, "inc": 0, "durable": durable, "next": durable + 1, "gap": 0,
                         "credit": 65536, "refused": [], "refused_total": 0, "hold": None, "names": 0})])

                pub = receive()["pub"]
                self.assertTrue(acks.poll(10_000 * PATIENCE))
                self.assertEqual(acks.recv(), f"\1ack.{pub}.".encode())
                publish.process.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, publish.process.pid, os.WSTOPPED | os.WNOWAIT)
                before = unread_bytes(doors[1])
                say(4)
                wait_until("the first", lambda: unread_bytes(doors[1]) > before)
                first = unread_bytes(doors[1]) - before
                say(8)
                wait_until("the second", lambda: unread_bytes(doors[1]) == before + 2 * first)
                publish.process.send_signal(signal.SIGCONT)
                message = receive()
                while not message["trades"]:    # hellos from before
                    message = receive()
                self.assertEqual((message["seq"], [row["id"] for row in message["trades"]]),
                                 (9, [f"t{number}" for number in range(9, 13)]))
                say(12)
                self.assertEqual(publish.process.wait(10 * PATIENCE), 0)

    def test_a_daemon_that_is_not_there_is_exit_3(self):
        self.daemon.stop()
        done = self.publish(self.scratch.write("a.csv", csv_of(3)), "--timeout", 1)
        self.assertEqual(done.code, 3, done)
        self.assertIn(self.daemon.doors["trades"], done.err)


class Alerts(unittest.TestCase):
    def setUp(self):
        self.daemon = self.enterContext(Daemon(sets={"exposure/remark": 0}))
        self.publisher = self.enterContext(Publisher(self.daemon, "desk-7"))
        self.publisher.publish([trade(qty=4000, price=150), trade(qty=3000, price=150), trade(side="S", qty=1000, price=150)])
        with Subscriber(self.daemon) as subscriber:
            subscriber.wait_head("four alerts", lambda head: head["last"] == 4)

    def alerts(self, *arguments):
        return run_tool("alerts", *arguments, *self.daemon.options())

    def numbers(self, *arguments):
        done = self.alerts("--json", *arguments)
        self.assertEqual(done.code, 0, done)
        return [json.loads(line)["n"] for line in done.out.splitlines()]

    def test_what_is_recorded_is_printed(self):
        self.assertEqual(self.numbers(), [1, 2, 3, 4])
        self.assertEqual(self.numbers("--after", 2), [3, 4])
        self.assertEqual(self.numbers("--severity", "CRITICAL"), [3])
        self.assertEqual(self.numbers("--type", "HIGH_CLIENT_EXPOSURE"), [2, 4])
        self.assertEqual(self.numbers("--type", "HIGH_CLIENT_EXPOSURE", "--after", 2), [4])

    def test_json_is_the_record(self):
        with Catchup(self.daemon) as catchup:
            records = [alert for alert, _ in catchup.everything()]
        printed = [json.loads(line) for line in self.alerts("--json").out.splitlines()]
        self.assertEqual(printed, records)

    def test_for_people(self):
        done = self.alerts()
        self.assertEqual(len([line for line in done.out.splitlines() if "EXPOSURE" in line]), 4, done)
        self.assertNotIn("\x1b", done.out)      # no colours but for a terminal
        self.assertIn("1,050,000", done.out)

    def test_follow_goes_on_and_fills_the_hole_of_a_restart(self):
        with Tool("alerts", "--follow", "--json", *self.daemon.options()) as follower:
            follower.wait_lines(4)
            self.publisher.publish([trade(qty=20000, symbol="Y", account=None)])
            follower.wait_lines(5)
            self.daemon.kill()
            self.daemon.restart()
            self.publisher.hello()
            self.publisher.publish([trade(qty=20000, symbol=f"Z{i}", account=None) for i in range(5)])
            follower.wait_lines(10, seconds=30)
            self.assertEqual(follower.end(), 0)
            self.assertEqual([json.loads(line)["n"] for line in follower.lines], list(range(1, 11)))

    def test_follow_with_a_filter(self):
        with Tool("alerts", "--follow", "--json", "--type", "LARGE_TRADE", *self.daemon.options()) as follower:
            for symbol in "ABC":
                self.publisher.publish([trade(qty=20000, price=100, symbol=symbol, account=None)])
            follower.wait_lines(3)
            self.assertEqual(follower.end(signal.SIGTERM), 0)
            self.assertEqual({json.loads(line)["type"] for line in follower.lines}, {"LARGE_TRADE"})

    def test_follow_ends_when_the_daemon_has_fewer_alerts(self):
        with Tool("alerts", "--follow", "--json", *self.daemon.options()) as follower:
            follower.wait_lines(4)
            self.assertEqual(self.daemon.stop()[0], 0)
            self.daemon.data = self.daemon.scratch.path("other")
            self.daemon.start()
            code = follower.process.wait(Deadline(30, "the end of alerts").left())
            self.assertEqual(code, 3)
            self.assertIn("the daemon has only 0 alerts, we are at 4", follower.process.stderr.read().decode())
        done = self.alerts("--follow", "--after", 100000)
        self.assertEqual(done.code, 3, done)
        self.assertIn("the daemon has only 0 alerts, we are at 100000", done.err)

    def test_wrong_usage(self):
        self.assertEqual(self.alerts("--severity", "DREADFUL").code, 2)
        self.assertEqual(self.alerts("--after", "soon").code, 2)
        for option, value in (("--after", 10**20), ("--timeout", 9999999999)):
            done = self.alerts(option, value)
            self.assertEqual(done.code, 2, done)
            self.assertIn(option, done.err)


class Simulate(unittest.TestCase):
    def test_the_same_seed_makes_the_same_market(self):
        one, two, other = (run_tool("simulate", "--print", "--trades", 2000, "--seed", seed) for seed in (5, 5, 6))
        self.assertEqual((one.code, one.out), (0, two.out))
        self.assertNotEqual(one.out, other.out)
        rows = list(csv.DictReader(io.StringIO(one.out)))
        self.assertEqual(len(rows), 2000)
        self.assertGreater(len({row["symbol"] for row in rows}), 5)
        self.assertTrue(all(float(row["price"]) > 0 and float(row["qty"]) > 0 for row in rows))

    def test_it_publishes_and_raises_alerts(self):
        with Daemon() as daemon, Subscriber(daemon) as subscriber:
            done = run_tool("simulate", "--trades", 3000, "--rate", 0, "--accounts", 20, "--prints", 50, *daemon.options())
            self.assertEqual(done.code, 0, done)
            head = subscriber.wait_head("all judged", lambda head: head["durable"] >= 3000)
            self.assertGreater(head["last"], 0)

    def test_it_goes_on_under_the_same_name_and_stops_when_told(self):
        with Daemon() as daemon:
            for _ in range(2):
                with Tool("simulate", "--rate", 500, *daemon.options()) as market, Publisher(daemon, "sim") as observer:
                    observer.wait_ack("trades", lambda ack: ack["durable"] > 100, seconds=20)
                    self.assertEqual(market.end(), 0, market.process.stderr.read())


class Replay(unittest.TestCase):
    def history(self, scratch):
        tape = scratch.write("tape.csv", run_tool("simulate", "--print", "--trades", 5000, "--seed", 3, "--accounts", 5,
                                                  "--prints", 20).out)
        with Daemon() as daemon:
            done = run_tool("publish", tape, "--as", "desk", *daemon.options())
            self.assertEqual(done.code, 0, done)
            self.assertEqual(daemon.stop()[0], 0)
            os.rename(daemon.data, scratch.path("data"))
        return tape, scratch.path("data")

    def test_a_directory_and_a_csv_give_the_same(self):
        with Scratch() as scratch:
            tape, data = self.history(scratch)
            runs = [run_tool("replay", "--data", data, "--json"), run_tool("replay", tape, "--as", "desk", "--json"),
                    run_tool("replay", "--data", data, "--json", "--shards", 5),
                    run_tool("replay", tape, "--as", "desk", "--json", "--block", 3, "--shards", 2)]
            said = []
            for done in runs:
                self.assertEqual(done.code, 0, done)
                *alerts, end = map(json.loads, done.out.splitlines())
                self.assertEqual((end["trades"], end["alerts"]), (5000, len(alerts)))
                self.assertGreater(len(alerts), 10)
                said.append((end["digest"], end["record_digest"], [alert["id"] for alert in alerts]))
            self.assertEqual(said[1:], said[:-1])
            with open(tape, encoding="utf-8") as file:
                rows = [{k: v for k, v in row.items() if v} | {"ts": int(row["ts"])} for row in csv.DictReader(file)]
            self.assertEqual(judge_rows(rows, {}, "desk")[1]["digest"], said[0][0])

    def test_a_pipe_needs_a_name_and_nothing_else_is_told_so(self):
        with Scratch() as scratch:
            done = run_tool("replay", "-", stdin=csv_of(3).encode())
            self.assertEqual(done.code, 3, done)
            self.assertIn("--as NAME", done.err)
            for path, words in ((scratch.write("cut.csv.gz", gzip.compress(csv_of(300).encode())[:-20]), "the gzip data ends too early"),
                                (scratch.directory, "Is a directory")):
                done = run_tool("replay", path)
                self.assertEqual(done.code, 3, done)
                self.assertIn(words, done.err)
                self.assertNotIn("--as", done.err)

    def test_what_if(self):
        with Scratch() as scratch:
            _, data = self.history(scratch)
            done = run_tool("replay", "--data", data, "--json", "--summary", "--set", "rules/velocity/enabled=off", "--set",
                            "rules/large_trade/threshold=1")
            end = json.loads(done.out)
            self.assertGreater(end["alerts"], 3000)

    def test_a_directory_in_use_or_not_there(self):
        with Daemon() as daemon:
            done = run_tool("replay", "--data", daemon.data)
            self.assertEqual(done.code, 3, done)
            self.assertIn(daemon.data, done.err)
            self.assertEqual(run_tool("replay", "--data", daemon.scratch.path("nowhere")).code, 3)
            self.assertEqual(run_tool("replay", daemon.scratch.path("nowhere.csv")).code, 3)
            self.assertEqual(run_tool("replay").code, 2)


class Store(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = cls.enterClassContext(Scratch())
        with Daemon() as daemon:
            tape = cls.scratch.write("tape.csv", csv_of(500) + csv_of(1, 600).splitlines()[1].replace(",A0,", ",,") + "\n")
            done = run_tool("publish", tape, "--as", "desk", *daemon.options())
            assert done.code == 0, done
            with Publisher(daemon, "other") as publisher:
                publisher.publish([trade(qty=20000), trade(price=0)])
            assert daemon.stop()[0] == 0
            os.rename(daemon.data, cls.scratch.path("data"))
        cls.data = cls.scratch.path("data")

    def store(self, *arguments):
        return run_tool("store", *arguments, "--data", self.data)

    def test_export_has_a_trade_a_line_in_sequence_order(self):
        rows = exported(self.data)
        self.assertEqual([row["seq"] for row in rows], list(range(1, 503)))
        first = rows[0]
        self.assertEqual([first[key] for key in ("seq", "pub", "inc", "pseq", "ts", "symbol", "account", "venue", "id", "side")],
                         [1, "desk", 0, 1, TS + 1000000, "X", "A1", "V", "t1", "B"])
        self.assertEqual((float(first["qty"]), float(first["price"])), (101, 10.5))
        self.assertIsNone(rows[500].get("account"))

    def test_export_selects(self):
        def count(*arguments):
            return len(self.store("export", "--json", *arguments).out.splitlines())
        self.assertEqual(count("--from-seq", 10, "--to-seq", 19), 10)
        self.assertEqual(count("--account", "A1"), 167)
        self.assertEqual(count("--symbol", "NONE"), 0)

    def test_export_as_csv_says_the_same(self):
        done = self.store("export", "--csv")
        self.assertEqual(done.code, 0, done)
        table = list(csv.DictReader(io.StringIO(done.out)))
        for row, wanted in zip(table, exported(self.data), strict=True):
            for column, cell in row.items():
                self.assertEqual(cell, str(wanted.get(column, "")), (column, row))

    def test_stats(self):
        done = self.store("stats", "--json")
        self.assertEqual(done.code, 0, done)
        self.assertIn("502", done.out)

    def test_verify_says_ok_and_finds_a_flipped_byte(self):
        done = self.store("verify")
        self.assertEqual(done.code, 0, done)
        self.assertIn("OK", done.out + done.err)
        files = [os.path.join(at, name) for at, _, names in os.walk(self.data) for name in names
                 if name.endswith((".sst", ".log", ".blob")) and os.path.getsize(os.path.join(at, name)) > 1000]
        self.assertTrue(files, "no file with trades found")
        for path in files:
            with open(path, "rb") as file:
                whole = file.read()
            at = whole.find(b"t250") if b"t250" in whole else len(whole) // 3
            with self.subTest(os.path.basename(path)):
                with open(path, "wb") as file:
                    file.write(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1:])
                try:
                    done = self.store("verify")
                    self.assertIn(done.code, (1, 3), done)
                    self.assertNotIn("OK", done.out)
                finally:
                    with open(path, "wb") as file:
                        file.write(whole)
        self.assertEqual(self.store("verify").code, 0)

    def test_a_directory_that_is_not_one(self):
        for what in ("stats", "verify", "export"):
            done = run_tool("store", what, "--data", self.scratch.path("nowhere"))
            self.assertEqual(done.code, 3, done)
            self.assertFalse(os.path.exists(self.scratch.path("nowhere")))
        self.assertEqual(run_tool("store", "polish", "--data", self.data).code, 2)


class Config(unittest.TestCase):
    def test_check(self):
        with Scratch() as scratch:
            good = scratch.write("good.zpl", "exposure\n    remark = 5\n")
            self.assertEqual(run_tool("config", "check", "-c", good).code, 0)
            for text, words in (("exposure\n    remrk = 5\n", (":2", "exposure/remark")),
                                ("exposure\n    remark = soon\n", (":2", "exposure/remark")),
                                ("exposure\n    remark = 5\n    remark = 6\n", (":3", "remark"))):
                done = run_tool("config", "check", "-c", scratch.write("bad.zpl", text))
                self.assertEqual(done.code, 2, done)
                for word in words:
                    self.assertIn(word, done.out + done.err)

    def test_show_marks_where_each_value_came_from(self):
        with Scratch() as scratch:
            file = scratch.write("own.zpl", "exposure\n    remark = 5\n    measure = net\npipeline\n    shards = 3\n")
            done = run_tool("config", "show", "--json", "-c", file, "--set", "pipeline/shards=7",
                            extra={"TAPEWARDEN_EXPOSURE__MEASURE": "turnover", "CLIENT_EXPOSURE_THRESHOLD": "42"})
            self.assertEqual(done.code, 0, done)
            shown = {row["key"]: row for row in map(json.loads, done.out.splitlines())}
            for key, value, source in (("exposure/remark", "5", f"{file}:2"), ("exposure/measure", "turnover", "env"),
                                       ("pipeline/shards", "7", "flag"), ("pipeline/block", "8190", "default"),
                                       ("rules/client_exposure/threshold", "42", "CLIENT_EXPOSURE_THRESHOLD")):
                self.assertEqual(str(shown[key]["value"]), value)
                self.assertIn(source, shown[key]["source"])

    def test_the_sample_is_a_valid_file_of_defaults(self):
        with Scratch() as scratch:
            sample = scratch.write("sample.zpl", run_tool("config", "sample").out)
            self.assertEqual(run_tool("config", "check", "-c", sample).code, 0)
            self.assertEqual(run_tool("config", "show", "--json").out.count("\n"),
                             run_tool("config", "show", "--json", "-c", sample).out.count("\n"))


if __name__ == "__main__":
    unittest.main()
