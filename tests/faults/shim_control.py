# SPDX-License-Identifier: MIT
"""Telling the shim what to do, and hearing what it did."""

import os
import re
import tempfile


def shim_library():
    path = os.environ.get("TW_FAULT_SHIM")
    if not path:
        raise RuntimeError("TW_FAULT_SHIM must name tw_fault_shim.so (ctest sets it)")
    return path


class Shim:
    """What stands in the environment of one process, and the report it leaves.

    root: the directory whose disk fails. Every use() is one process with its own report.
    """

    def __init__(self, root):
        self.root = os.path.realpath(root)
        self.place = tempfile.mkdtemp(prefix="tapewarden-shim-", dir=os.path.dirname(self.root))
        self.report_path, self.uses = None, 0
        self.trigger_path = None

    def use(self, trigger=False, **settings):
        """The environment for a process: use(mode="power", at=7, when="after", keep="prefix", seed=3)."""
        self.uses += 1
        self.report_path = os.path.join(self.place, f"report-{self.uses}")
        told = {"ROOT": self.root, "REPORT": self.report_path, "GRAVE": os.path.join(self.place, f"grave-{self.uses}")}
        told |= {name.upper(): str(int(value) if isinstance(value, bool) else value) for name, value in settings.items()}
        if trigger:
            self.trigger_path = os.path.join(self.place, f"trigger-{self.uses}")
            os.mkfifo(self.trigger_path)
            told["TRIGGER"] = self.trigger_path
        return {"LD_PRELOAD": shim_library()} | {f"TW_FAULT_{name}": value for name, value in told.items()}

    def pull(self):
        """The moment has come. The process is dead a moment later."""
        fd = os.open(self.trigger_path, os.O_WRONLY)
        os.write(fd, b"!")
        os.close(fd)

    def report(self):
        try:
            with open(self.report_path, encoding="utf-8") as file:
                lines = file.read().splitlines()
        except FileNotFoundError:
            lines = []
        broken = [line for line in lines if line.startswith("impossible") or "FAILED" in line]
        assert not broken, broken
        return lines

    def loaded(self):
        return any(line.startswith("loaded") for line in self.report())

    def fired(self):
        """The line about what it did, or None: the moment never came."""
        return next((line for line in self.report() if line.startswith("fired")), None)

    def cut(self):
        """Whether a power cut was carried out to its end."""
        return any(line == "killed" or "cut=1" in line for line in self.report())

    def syncs(self):
        """(number, call, path below the root) of every sync."""
        found = [re.match(r"sync n=(\d+) call=(\w+) path=(.*)", line) for line in self.report()]
        return [(int(one[1]), one[2], os.path.relpath(one[3], self.root)) for one in found if one]

    def lost(self):
        """What the cut took: lines about files of which not everything stayed, and names that were undone."""
        lines = [line for line in self.report() if line.startswith("undone")]
        for line in self.report():
            one = re.match(r"reverted file=\S+ dirty=(\d+) kept=(\d+)", line)
            if one and one[1] != one[2]:
                lines.append(line)
        return lines
