# SPDX-License-Identifier: MIT
"""Reads what callgrind wrote: how many instructions each core took, all that it called included.

A core's instructions are those of the calls that go into its folder from what drives the cores: actors/pipeline and
tools. So functions may be renamed, split and moved within a core, and a call back into the driver counts for whom it
serves.
"""
import re

CORES = ("gateway", "shard", "exposure", "scorer", "router")
DRIVER = re.compile(r"(^|/)(actors/pipeline|tools)/")
CORE = re.compile(r"(^|/)actors/(" + "|".join(CORES) + r")/")
DECODE = re.compile(r"^tw_record_decode")
_LINE = re.compile(r"^(fl|fi|fe|fn|cfi|cfl|cfn)=\((\d+)\)(?: (.*))?$")


def _stage(path, function):
    if DECODE.match(function):
        return "decode"
    found = CORE.search(path)
    return found.group(2) if found else None


class _Reader:
    """Positions in the file: who calls whom, by callgrind's abbreviated names."""

    def __init__(self):
        self.files, self.functions = {}, {}
        self.file = self.caller = self.callee_file = self.callee = ""
        self.called, self.found, self.total = False, {}, 0

    def name(self, kind, number, text):
        names = self.functions if kind in ("fn", "cfn") else self.files
        if text is not None:
            names[number] = text
        return names[number]

    def place(self, kind, name):
        if kind in ("fl", "fi", "fe"):
            self.file = name
            if kind == "fl":
                self.caller = name
        elif kind in ("cfi", "cfl"):
            self.callee_file = name
        elif kind == "cfn":
            self.callee = name
            self.callee_file = self.callee_file or self.file

    def cost(self, line):
        """The line behind `calls=` has what the call cost, with all that it called."""
        if self.called:
            stage = _stage(self.callee_file, self.callee)
            if stage is not None and DRIVER.search(self.caller):
                self.found[stage] = self.found.get(stage, 0) + int(line.split()[1])
            self.called, self.callee_file = False, ""

    def line(self, line):
        named = _LINE.match(line)
        if named:
            self.place(named.group(1), self.name(*named.groups()))
        elif line.startswith("calls="):
            self.called = True
        elif line.startswith(("totals:", "summary:")):
            self.total = int(line.split()[1])
        elif line[:1] in "0123456789+-*" and line:
            self.cost(line)


def instructions(lines):
    """({core: instructions}, instructions of the whole program)"""
    reader = _Reader()
    for line in lines:
        reader.line(line.rstrip("\n"))
    return reader.found, reader.total
