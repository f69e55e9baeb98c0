# SPDX-License-Identifier: MIT
import json
import os
import subprocess
import sys
import tempfile
import time

NAME = "A loop in Python with the same five rules (tests/oracle)"
LACKS = "no network, no store, nothing durable"
PACKAGE, PROGRAM = None, None
MOST = 100_000      # of the trades; more only takes longer


def measure(bench, tape):
    with open(tape, encoding="utf-8") as file:
        lines = [line for line, _ in zip(file, range(MOST + 1))]
    with tempfile.NamedTemporaryFile("w", suffix=".csv", dir=bench.directory, encoding="utf-8") as head:
        head.writelines(lines)
        head.flush()
        begun = time.monotonic()
        done = subprocess.run([sys.executable, bench.root / "tests/oracle/judge.py", head.name, "--summary"], check=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                              env=dict(os.environ, PYTHONDONTWRITEBYTECODE="1"))
    return json.loads(done.stdout)["trades"], time.monotonic() - begun
