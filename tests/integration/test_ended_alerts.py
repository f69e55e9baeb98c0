# SPDX-License-Identifier: MIT
"""Tens of thousands of alerts have ended and what is known of them has left memory: a bust retracts them all the same,
before and behind a restart from a snapshot by another number of shards."""

import os
import unittest

from harness import Daemon, Deadline, Publisher, Subscriber, run_tool, trade, wait_until

SETS = {"pipeline/shards": 2, "rules/large_trade/threshold": 5, "rules/velocity/enabled": "off",
        "rules/anomaly/enabled": "off", "rules/client_exposure/enabled": "off", "rules/symbol_exposure/enabled": "off",
        "store/snapshot_trades": 20000, "store/snapshot_seconds": 0}
TRADES = 45000      # each a large one: more than 16,384 for each shard


def nameless_bytes(daemon):
    """Of the files in the data directory that have no name any more, and that the daemon has open."""
    total, fds = 0, f"/proc/{daemon.process.pid}/fd"
    for fd in os.listdir(fds):
        try:
            target = os.readlink(f"{fds}/{fd}")
            if target.startswith(os.path.realpath(daemon.data)) and target.endswith(" (deleted)"):
                total += os.stat(f"{fds}/{fd}").st_size
        except FileNotFoundError:
            pass
    return total


def large(number):
    return trade(symbol=f"S{number % 2}", qty=6, id=f"t{number}")


class EndedAlerts(unittest.TestCase):
    def bust(self, daemon, publisher, numbers):
        """Each is retracted, under the id that its alert has from its trade."""
        with Subscriber(daemon, "alert.", "head.") as subscriber:
            subscriber.joined()
            publisher.publish([trade(symbol=None, side=None, qty=None, price=None, account=None, kind="bust",
                                     ref=f"t{number}") for number in numbers])
            deadline, retracted = Deadline(20, f"the retracts of {numbers}"), []
            while len(retracted) < len(numbers):
                heard = subscriber.hear(deadline)
                if heard and heard[0].startswith("alert.") and heard[1]["event"] == "retract":
                    retracted.append(heard[1]["entity"])
        self.assertEqual(retracted, [f"desk/0/{number + 1}" for number in numbers])

    def test_a_bust_retracts_what_has_left_memory(self):
        with Daemon(sets=SETS) as daemon:
            with Publisher(daemon, "desk") as publisher:
                publisher.publish([large(number) for number in range(TRADES)], seconds=60)
                wait_until("a file without a name", lambda: nameless_bytes(daemon) > 100000, seconds=30)
                self.bust(daemon, publisher, [3, 4, 20000, TRADES - 1])
                taken = daemon.said().count("snapshot lsn=")
                publisher.publish([large(number) for number in range(TRADES, TRADES + 21000)], seconds=60)
                wait_until("a snapshot that has them", lambda: daemon.said().count("snapshot lsn=") > taken, seconds=60)
            daemon.kill()
            daemon.sets["pipeline/shards"] = 3
            daemon.restart()
            self.assertIn("starts from the snapshot", daemon.said())
            self.assertGreater(nameless_bytes(daemon), 100000)
            with Publisher(daemon, "desk") as publisher:
                self.bust(daemon, publisher, [5, 6, 20001, TRADES - 2])
                with Subscriber(daemon) as subscriber:
                    count = publisher.next_seq - 1
                    head = subscriber.wait_head("all judged", lambda head: head["durable"] == count, seconds=30)
            self.assertEqual(daemon.stop()[0], 0)
            replay = run_tool("replay", "--data", daemon.data, seconds=120)
            self.assertEqual(replay.code, 0, replay)
            self.assertIn(head["digest"], replay.out + replay.err)


if __name__ == "__main__":
    unittest.main()
