# SPDX-License-Identifier: MIT
"""Somebody who acts on alerts through every fault, and remembers what he was told: an answered action is there for good.

Requests go straight to the daemon's control socket, as `tapewarden alerts` sends them.
"""

import json
import os
import random
import threading
import time

import place  # noqa: F401  -- finds the harness
import zmq
from harness import run_tool
from harness.waiting import PATIENCE

ALERTS = 5              # he looks after the first few
PAUSE_SECONDS = 0.02


class People(threading.Thread):
    def __init__(self, daemon):
        super().__init__(name="people", daemon=True)
        self.daemon_under_test = daemon
        self.chance = random.Random("people")
        self.stopping = threading.Event()
        self.asked = {}         # word: verb, whatever came of it
        self.answered = {}      # h: the action as it was answered
        self.fault = None

    # --- the thread

    def run(self):
        try:
            while not self.stopping.is_set():
                self._live_with(self.daemon_under_test.process)
                self.stopping.wait(PAUSE_SECONDS)
        except Exception as fault:  # pylint: disable=broad-except  -- the test's thread shows it
            self.fault = fault

    def _live_with(self, process):
        """One life of the daemon: its answers die with it."""
        path = os.path.join(self.daemon_under_test.data, "control")
        if process is None or process.poll() is not None or not os.path.exists(path):
            return
        with zmq.Context.instance().socket(zmq.REQ) as socket:
            socket.linger = 0
            socket.connect("ipc://" + path)
            while not self.stopping.is_set():
                word = f"word {len(self.asked) + 1}"
                verb = self.chance.choice(("note", "note", "ack", "assign", "close"))
                request = {"verb": verb, "who": "maria", "alert": str(self.chance.randint(1, ALERTS)), "why": word}
                request |= {"to": "pete"} if verb == "assign" else {}
                request |= {"verdict": "true_positive"} if verb == "close" else {}
                self.asked[word] = verb
                socket.send(b"act " + json.dumps(request).encode())
                if not self._await(socket, process):
                    return
                self._hear(word, socket.recv())
                self.stopping.wait(PAUSE_SECONDS)

    def _await(self, socket, process):
        patience = time.monotonic() + 20 * PATIENCE
        while not socket.poll(50):
            if process.poll() is not None or process is not self.daemon_under_test.process or self.stopping.is_set():
                return bool(socket.poll(0))     # it may have answered before it died
            assert time.monotonic() < patience, f"no answer within {20 * PATIENCE} s, and the daemon lives"
        return True

    def _hear(self, word, answer):
        kind, _, text = answer.partition(b" ")
        if kind != b"ok":
            return                              # no such alert yet, it is closed, or the disk is full
        action = json.loads(text)
        assert (action["why"], action["verb"]) == (word, self.asked[word]), f"{word} is answered by {action}"
        assert action["h"] not in self.answered, f"number {action['h']} was given twice: {action}"
        self.answered[action["h"]] = action

    # --- what the test asks

    def check(self):
        if self.fault is not None:
            raise self.fault

    def finish(self):
        self.stopping.set()
        self.join(30 * PATIENCE)
        assert not self.is_alive(), "somebody waits for an answer for ever"
        self.check()

    def faults_of(self, actions, enough=None):
        """Sentences about what is wrong with the actions of a log, all of them, in order."""
        found = []
        if [action["h"] for action in actions] != list(range(1, len(actions) + 1)):
            found.append(f"the numbers are not dense: {[action['h'] for action in actions]}")
        words = [action["why"] for action in actions]
        if len(set(words)) != len(words):
            found.append("something is recorded twice")
        for action in actions:
            if self.asked.get(action["why"]) != action["verb"]:
                found.append(f"nobody asked for {action}")
        there = {action["h"]: action for action in actions}
        for h, action in (enough if enough is not None else self.answered).items():
            same = h in there and all(there[h].get(key) == value for key, value in action.items())
            if not same:
                found.append(f"answered, and not there as it was answered: {action}; there is {there.get(h)}")
        return found

    @staticmethod
    def recorded(data):
        """The actions of a directory at rest, in order."""
        actions = []
        for alert in range(1, ALERTS + 1):
            shown = run_tool("alerts", "show", str(alert), "--json", "--data", data)
            assert shown.code == 0 or "there is no alert" in shown.err, shown
            actions += json.loads(shown.out)["actions"] if shown.code == 0 else []
        return sorted({action["h"]: action for action in actions}.values(), key=lambda action: action["h"])
