# SPDX-License-Identifier: MIT
"""Waiting for conditions, never for time."""

import os
import time

PATIENCE = float(os.environ.get("TW_TEST_PATIENCE", "1"))
SCALE = float(os.environ.get("TW_TEST_SCALE", "1"))


def scaled(count, least=1):
    """How much of `count` to do at this scale."""
    return max(least, round(count * SCALE))


class Deadline:
    """So many seconds from now, times the patience, for `what`."""

    def __init__(self, seconds, what):
        self.seconds, self.what = seconds * PATIENCE, what
        self.end = time.monotonic() + self.seconds

    def left(self):
        """Seconds that are left; raises when there are none."""
        left = self.end - time.monotonic()
        if left <= 0:
            raise TimeoutError(f"waited {self.seconds:.1f} s for {self.what}")
        return left

    def left_ms(self):
        return max(1, int(self.left() * 1000))


def wait_until(what, condition, seconds=10, pause=0.02):
    """The condition's first true answer. For what cannot be waited for otherwise, such as a file or a process."""
    deadline = Deadline(seconds, what)
    while True:
        answer = condition()
        if answer:
            return answer
        time.sleep(min(pause, deadline.left()))
