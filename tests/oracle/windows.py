"""What a key remembers of its own trades: a count and a statistic."""

from bisect import bisect_left, bisect_right
from collections import deque


class RollingCount:
    """Trades of one key in (t - width, t], and the key's clock t."""

    __slots__ = ("clock", "width", "times", "seqs", "start")

    def __init__(self, width):
        self.clock = 0
        self.width = width
        self.times, self.seqs, self.start = [], [], 0

    def move(self, ts):
        if ts > self.clock:
            self.clock = ts

    def enter(self, ts, seq):
        self.move(ts)
        self.times.append(self.clock)
        self.seqs.append(seq)
        self._forget()

    def _forget(self):
        self.start = self._first_within(self.clock)
        if self.start > 1000:
            del self.times[:self.start], self.seqs[:self.start]
            self.start = 0

    def _first_within(self, t):
        return bisect_right(self.times, t - self.width, self.start)

    def at(self, t):
        """How many count at time t, which is the clock or a tick after it."""
        return len(self.times) - self._first_within(t)

    def latest(self, t, limit):
        first = max(self._first_within(t), len(self.times) - limit)
        return self.seqs[first:]

    def lose(self, seq):
        place = bisect_left(self.seqs, seq, self.start)
        if place < len(self.seqs) and self.seqs[place] == seq:
            del self.seqs[place], self.times[place]


class Statistic:
    """The last notionals of one key in whole cents, and its episode."""

    __slots__ = ("entity_type", "entity", "clock", "size", "entries",
                 "total", "squares", "alert", "last_hit")

    def __init__(self, entity_type, entity, size):
        self.entity_type, self.entity = entity_type, entity
        self.clock = 0
        self.size = size
        self.entries = deque()
        self.total = self.squares = 0
        self.alert = None
        self.last_hit = 0

    def move(self, ts):
        if ts > self.clock:
            self.clock = ts

    def exceeds(self, x, k, minimum):
        """Is |z| of x above k?  In integers: (n x - S)^2 > k^2 (n Q - S^2)."""
        n = len(self.entries)
        spread = n * self.squares - self.total * self.total
        if n < minimum or spread == 0:
            return False
        distance = n * x - self.total
        return (distance * distance * k.denominator ** 2
                > k.numerator ** 2 * spread)

    def features(self, x):
        """For people only: |z|, mean and sigma as floats."""
        n = len(self.entries)
        spread = n * self.squares - self.total * self.total
        sigma = spread ** 0.5 / n
        return {"z": abs(n * x - self.total) / spread ** 0.5,
                "mean": self.total / n, "sigma": sigma}

    def enter(self, x, seq):
        self.entries.append((seq, x))
        self._add(x, 1)
        if len(self.entries) > self.size:
            self._add(self.entries.popleft()[1], -1)

    def _add(self, x, sign):
        self.total += sign * x
        self.squares += sign * x * x

    def lose(self, seq):
        for entry in self.entries:
            if entry[0] == seq:
                self.entries.remove(entry)
                self._add(entry[1], -1)
                return
