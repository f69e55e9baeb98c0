# SPDX-License-Identifier: MIT
"""What the integration tests share: the real daemon in a process of its own, a small client of their own, the oracle.

sinks.py has receivers of alerts: strict webhooks, Slack's limits, a real mail server.

Nothing here shares code with the product. Every wait has a deadline and says what it waited for.

Environment: TAPEWARDEN_BIN the executable (required); TW_TEST_PATIENCE a factor on every deadline (1; sanitizers 5);
TW_TEST_SCALE a factor on how much of the long tests is run (1).
"""

from harness.daemon import Daemon, Scratch, run_tool
from harness.wire import Publisher, Subscriber, Catchup, trade, pack, envelope
from harness.waiting import Deadline, SCALE, scaled, wait_until

__all__ = ["Daemon", "Scratch", "run_tool", "Publisher", "Subscriber", "Catchup", "trade", "pack", "envelope",
           "Deadline", "SCALE", "scaled", "wait_until"]
