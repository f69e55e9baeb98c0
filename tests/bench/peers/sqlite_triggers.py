# SPDX-License-Identifier: MIT
import os
import sqlite3
import tempfile
import time

from peers.server import trades_of

NAME = "SQLite, WAL, synchronous full, 1,000 trades a transaction, exposure by triggers"
LACKS = "one rule of five (gross exposure of a client, not re-marked), no network, alerts are rows that nobody is told of"
PACKAGE, PROGRAM = None, None
BATCH = 1000
SCHEMA = """
PRAGMA journal_mode = WAL;
PRAGMA synchronous = FULL;
CREATE TABLE trades (seq INTEGER PRIMARY KEY, ts INTEGER, symbol TEXT, sign INTEGER, qty INTEGER, cents INTEGER, account TEXT);
CREATE TABLE positions (account TEXT, symbol TEXT, qty INTEGER, value INTEGER, PRIMARY KEY (account, symbol)) WITHOUT ROWID;
CREATE TABLE exposures (account TEXT PRIMARY KEY, exposure INTEGER) WITHOUT ROWID;
CREATE TABLE alerts (seq INTEGER, account TEXT, exposure INTEGER);
CREATE TRIGGER judge AFTER INSERT ON trades BEGIN
    INSERT OR IGNORE INTO positions VALUES (NEW.account, NEW.symbol, 0, 0);
    INSERT OR IGNORE INTO exposures VALUES (NEW.account, 0);
    UPDATE exposures SET exposure = exposure + (SELECT abs((qty + NEW.sign * NEW.qty) * NEW.cents) - value FROM positions
        WHERE account = NEW.account AND symbol = NEW.symbol) WHERE account = NEW.account;
    UPDATE positions SET value = abs((qty + NEW.sign * NEW.qty) * NEW.cents), qty = qty + NEW.sign * NEW.qty
        WHERE account = NEW.account AND symbol = NEW.symbol;
    INSERT INTO alerts SELECT NEW.seq, account, exposure FROM exposures WHERE account = NEW.account AND exposure > 100000000;
END;
"""


def measure(bench, tape):
    rows = [(number, int(trade["ts"]), trade["symbol"], 1 if trade["side"] == "B" else -1, int(trade["qty"]),
             int(trade["price"].replace(".", "")), trade["account"]) for number, trade in enumerate(trades_of(tape), 1)]
    with tempfile.TemporaryDirectory(prefix="tapewarden-bench-peer-", dir=bench.directory) as directory:
        database = sqlite3.connect(os.path.join(directory, "trades.db"), isolation_level=None)
        database.executescript(SCHEMA)
        begun = time.monotonic()
        for at in range(0, len(rows), BATCH):
            database.execute("BEGIN")
            database.executemany("INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?)", rows[at:at + BATCH])
            database.execute("COMMIT")
        took = time.monotonic() - begun
        database.close()
    return len(rows), took
