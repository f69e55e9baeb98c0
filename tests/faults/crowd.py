# SPDX-License-Identifier: MIT
"""Publishers through every fault, and the reckoning afterwards: what must be in the log, once, and what it must say.

Everything that is sent is a function of (publisher, number), so what the log and the refusals must hold is too.
"""

import os
import random
import shutil
import time

import place  # noqa: F401  -- finds the harness
from harness import Catchup, Daemon, Subscriber, run_tool
from harness.market import Persistent, Watcher, made_up
from harness.verdict import as_submitted, differences, exported, judge_rows
from harness.waiting import PATIENCE
from harness.wire import DAY_NS
from people import People
from shim_control import Shim

SNAPSHOT_KEY = "store/snapshot_trades"


def often():
    """Settings by which snapshots are taken so often that faults meet them, if this build takes any."""
    known = SNAPSHOT_KEY in run_tool("config", "show").out
    return {SNAPSHOT_KEY: 1000, "store/snapshot_seconds": 1} if known else {}


# --- what is sent, and what must become of it

def mixed(pub, number):
    """Trades, and now and then a bust, a correction or one that must be refused."""
    made = made_up(pub, number)
    if number % 17 == 0:
        return made | {"price": 0}
    if number % 11 == 0:
        return {"kind": "bust", "ref": f"{pub}-{number - 4}", "ts": made["ts"]}
    if number % 13 == 0:
        return made | {"kind": "correct", "ref": f"{pub}-{number - 3}"}
    return made


def some_refused(pub, number):
    """The same for the columnar form, as far as our small client has it."""
    return made_up(pub, number) | ({"price": 0} if number % 17 == 0 else {})


def outcome(maker, pub, count):
    """({number: what was sent} of the accepted, {number: code} of the refused), of the first `count`."""
    accepted, refused, alive = {}, {}, set()
    for number in range(1, count + 1):
        sent = maker(pub, number)
        ref = sent.get("ref")
        if sent.get("price") == 0:
            refused[number] = "bad_price"
        elif ref is not None and ref not in alive:
            refused[number] = "unknown_ref"
        else:
            accepted[number] = sent
            alive.discard(ref)
            if sent.get("kind") != "bust":
                alive.add(sent["id"])
    return accepted, refused


def copy_of(data, where):
    """The directory at another place, without the socket that a killed daemon left in it."""
    shutil.rmtree(where, ignore_errors=True)
    return shutil.copytree(data, where, ignore=shutil.ignore_patterns("control"))


def log_rows(data):
    """The log's trades; `ref` of busts and corrections as it was sent, which the export says by sequence."""
    rows = exported(data)
    ids = {row["seq"]: row.get("id") for row in rows}
    for row in rows:
        if row["kind"] != "trade":
            row["ref"] = ids.get(row["ref_seq"])
    return rows


def row_faults(row, sent):
    """What an exported row has otherwise than it was sent."""
    wanted = {key: value for key, value in sent.items() if key not in ("qty", "price")}
    if sent.get("kind") == "bust":
        wanted = {"kind": "bust", "ref": sent["ref"], "ts": sent["ts"]}
    found = {key: (row.get(key), value) for key, value in wanted.items() if row.get(key) != value}
    for key in ("qty", "price"):
        if sent.get("kind") != "bust" and float(row[key]) != sent[key]:
            found[key] = (row[key], sent[key])
    return found


def log_faults(rows, publishers, least, may_begin_later=False):
    """Sentences about what is wrong with the rows of a log: each publisher's must be a prefix of what it sent, once,
    in order, and reach at least `least[pub]`. may_begin_later: retention may have dropped the beginning."""
    found = []
    begin = rows[0]["seq"] if rows and may_begin_later else 1
    if [row["seq"] for row in rows] != list(range(begin, begin + len(rows))):
        found.append("the global sequence has holes")
    for publisher in publishers:
        mine = [row for row in rows if row["pub"] == publisher.pub]
        last = max([row["pseq"] for row in mine], default=0)
        accepted, _ = outcome(publisher.maker, publisher.pub, publisher.sent)
        first = mine[0]["pseq"] if mine and may_begin_later else 1
        want = [number for number in accepted if first <= number <= last]
        if [row["pseq"] for row in mine] != want:
            found.append(f"{publisher.pub}: the log is no prefix of what was sent, up to {last}")
            continue
        missing = [number for number in accepted if last < number <= least[publisher.pub]]
        if missing:
            found.append(f"{publisher.pub}: {len(missing)} acked trades are lost, from {missing[0]} on")
        for row in mine:
            wrong = row_faults(row, accepted[row["pseq"]])
            if wrong:
                found.append(f"{publisher.pub} {row['pseq']}: {wrong}")
                break
    return found


def for_the_judge(rows, publishers):
    """The rows as they were submitted, with the refused ones, which the log has not as trades, in their places."""
    makers = {publisher.pub: publisher.maker for publisher in publishers}
    following = dict.fromkeys(makers, 1)
    for row in rows:
        pub = row["pub"]
        for number in range(following[pub], row["pseq"]):
            yield makers[pub](pub, number) | {"pub": pub, "inc": 0, "pseq": number}
        following[pub] = row["pseq"] + 1
        yield as_submitted(row)


class Crowd:
    """A daemon on a disk that can fail, three publishers that never give up, one subscriber that remembers everything,
    somebody who acts on the first alerts.

    with Crowd(seed, sets) as crowd: crowd.kill_at_sync(...); ...; then crowd.reckon() once at the end.
    """

    drops_the_past = False      # retention is on

    def __init__(self, seed, sets=None, exact_records=True):
        self.chance = random.Random(seed)
        self.daemon = Daemon(sets=sets)
        # What was published may come again with another `detected_at` when a power loss took the unsynced record.
        self.watcher = Watcher(self.daemon, exact=exact_records)
        self.publishers = self.make_publishers()
        self.people = People(self.daemon)
        self.shim = None
        self.recovered = 0      # trades in the log at all inspections together
        self.actions = []       # what people did, as catch-up gives it in the end

    def make_publishers(self):
        """Few trades under way: many appends, and a log that the judge can walk in seconds."""
        return [Persistent(self.daemon, "rows", batch=10, window=3, maker=mixed, repeats=0.05),
                Persistent(self.daemon, "columns", columnar=True, batch=15, window=3, maker=some_refused),
                Persistent(self.daemon, "big", columnar=True, batch=60, window=2, maker=some_refused, repeats=0.02)]

    def __enter__(self):
        self.shim = Shim(self.daemon.data)
        try:
            for thread in (self.watcher, self.people, *self.publishers):
                thread.start()
        except BaseException:
            self.daemon.__exit__(None)
            raise
        return self

    def __exit__(self, kind, *unused):
        for publisher in self.publishers:
            publisher.most = 0
            publisher.finishing.set()
            publisher.giving_up.set()
        self.watcher.stopping.set()
        self.people.stopping.set()
        if kind is not None and self.shim.report_path:
            print("--- the shim's report ---", *self.shim.report()[-60:], sep="\n")
        if self.daemon.process is not None and not self.daemon.alive():
            self.daemon.wait_end()
        self.daemon.__exit__(kind, *unused)

    # --- the daemon's lives

    def spawn(self, **shim):
        """A start, under the shim if it is told something; with another number of shards than before."""
        self.daemon.extra = self.shim.use(**shim) if shim else None
        self.daemon.sets["pipeline/shards"] = self.chance.choice((1, 2, 3))
        self.daemon.spawn()

    def start(self, **shim):
        self.spawn(**shim)
        self.daemon.await_ready(60)

    def check_threads(self):
        for publisher in self.publishers:
            publisher.check()
        self.people.check()

    def await_progress(self, least, most):
        self.chance.choice(self.publishers).wait_progress(self.chance.randint(least, most), seconds=60)

    def await_death(self, seconds=60):
        """The exit code of a daemon that the shim kills, or that ends by itself."""
        end = time.monotonic() + seconds * PATIENCE
        while self.daemon.alive():
            self.check_threads()
            if time.monotonic() > end:
                raise TimeoutError(f"waited {seconds * PATIENCE} s for the daemon's end; {self.shim.report()[-5:]}")
            time.sleep(0.005)
        return self.daemon.wait_end()

    # --- looking

    def inspect(self):
        """The dead daemon's directory, a copy of it: whole, each publisher's log a prefix, nothing acked or answered
        missing."""
        answered = dict(self.people.answered)
        least = {publisher.pub: publisher.durable for publisher in self.publishers}
        with_copy = copy_of(self.daemon.data, self.daemon.scratch.path("copy"))
        if not os.path.exists(os.path.join(with_copy, "FORMAT")):
            assert not any(least.values()), f"acked, but there is no log: {least}"
            return
        verify = run_tool("store", "verify", "--data", with_copy, seconds=60)
        assert verify.code == 0, verify
        rows = log_rows(with_copy)
        self.recovered += len(rows)
        found = log_faults(rows, self.publishers, least, self.drops_the_past)
        found += self.people.faults_of(People.recorded(with_copy), answered)
        assert not found, found

    def reckon(self):
        """All publishers finish; then log, refusals, alerts, digests: everything against the independent judge,
        which knows nothing of what people did.

        Returns (trades, alerts)."""
        counts = {publisher.pub: publisher.finish(seconds=120) for publisher in self.publishers}
        expected = {publisher.pub: outcome(publisher.maker, publisher.pub, counts[publisher.pub])
                    for publisher in self.publishers}
        accepted = sum(len(good) for good, _ in expected.values())
        self.people.finish()
        with Catchup(self.daemon) as catchup, Subscriber(self.daemon) as subscriber:
            head = subscriber.wait_head(f"{accepted} trades judged", lambda head: head["durable"] == accepted, seconds=60)
            alerts = catchup.everything()
            refusals = [answer for answer, _ in catchup.everything("refusals")]
            self.actions = [answer for answer, _ in catchup.everything("actions")]
        watched = self.watcher.finish()
        code, _ = self.daemon.stop()
        assert code == 0, self.daemon.said()
        self.check_log(counts)
        for pub, (_, refused) in expected.items():
            said = {one["seq"]: one["code"] for one in refusals if one["pub"] == pub}
            assert said == refused, f"refusals of {pub}: {dict(set(said.items()) ^ set(refused.items()))}"
        assert len(refusals) == sum(len(refused) for _, refused in expected.values()), "a refusal came twice"
        found = self.people.faults_of(self.actions) + self.people.faults_of(People.recorded(self.daemon.data))
        assert not found, found
        self.check_alerts(alerts, watched, head)
        return accepted, len(alerts)

    def check_log(self, counts):
        verify = run_tool("store", "verify", "--data", self.daemon.data, seconds=120)
        assert verify.code == 0, verify
        self.rows = log_rows(self.daemon.data)
        found = log_faults(self.rows, self.publishers, counts, self.drops_the_past)
        assert not found, found

    def submitted(self):
        """For the judge."""
        return for_the_judge(self.rows, self.publishers)

    def check_alerts(self, alerts, watched, head):
        assert [alert["n"] for alert, _ in alerts] == list(range(1, len(alerts) + 1)), "alert numbers are not dense"
        for n, raw in watched.items():
            same = self.watcher.same(raw, alerts[n - 1][1])
            assert same, f"alert {n} is not what a subscriber saw: {alerts[n - 1][0]}"
        events, summary = judge_rows(self.submitted())
        found = differences([alert for alert, _ in alerts], events)
        assert not found, found
        assert (head["last"], head["digest"]) == (summary["count"], summary["digest"])
        if self.drops_the_past:
            return      # nothing to replay from
        replay = run_tool("replay", "--data", self.daemon.data, seconds=120)
        assert replay.code == 0 and head["digest"] in replay.out + replay.err, replay


DAY_TRADES = 120


def over_days(pub, number):
    """Trades at twelve minutes' distance."""
    return made_up(pub, number) | {"ts": DAY_NS + (number - 1) * (86400 * 10**9 // DAY_TRADES)}


class Pastless(Crowd):
    """One publisher, whose trades lie far apart, before a daemon that keeps one day. So the global order is the
    publisher's, and the judge can say what the whole history must have given, dropped or not."""

    drops_the_past = True

    def __init__(self, seed, exact_records=True):
        super().__init__(seed, often() | {"store/retain_days": 1, SNAPSHOT_KEY: 100, "store/index_run": 1024},
                         exact_records)

    def make_publishers(self):
        return [Persistent(self.daemon, "days", batch=10, window=3, maker=over_days, repeats=0.05)]

    def submitted(self):
        return (over_days("days", number) | {"pub": "days", "inc": 0, "pseq": number}
                for number in range(1, self.publishers[0].sent + 1))

    def check_log(self, counts):
        super().check_log(counts)
        gone = self.rows[0]["seq"] - 1
        assert gone > 3 * DAY_TRADES, f"only {gone} trades were dropped: this shows nothing"
        # A block goes as a whole: one that reaches into the next day stays, with up to all messages under way in it.
        assert -gone % DAY_TRADES < 30, f"{gone} trades were dropped, which are no whole days"
