# SPDX-License-Identifier: MIT
"""What a stage is given: where things are, how long and how often, and where to leave raw figures."""
import pathlib
import subprocess
import sys
import tempfile
import time


class Bench:
    def __init__(self, root, build, seconds, repeat, port=27701, directory=None, long_seconds=0, quick=False):
        self.root, self.build = pathlib.Path(root), pathlib.Path(build)
        self.seconds, self.repeat, self.long_seconds, self.quick = seconds, repeat, long_seconds, quick
        self.port = port
        self.directory = pathlib.Path(directory or tempfile.gettempdir())
        self.shared = self.root.parent / "shared"
        self.raw, self.begun = [], time.monotonic()

    def program(self, name):
        return str(self.build / name)

    def endpoint(self, offset):
        return f"tcp://127.0.0.1:{self.port + offset}"

    def desk(self):
        """The real day, or None where it is not."""
        path = self.shared / "data" / "desk_20131008.csv.gz"
        return path if path.is_file() else None

    def synthetic(self, directory, trades):
        """A tape of the synthetic flow."""
        path = pathlib.Path(directory) / "synthetic.csv"
        with open(path, "wb") as file:
            subprocess.run([self.program("tests/bench_publisher"), "csv", "-", "-", "-", "0", f"rows={trades}"], stdout=file,
                           check=True)
        return path

    def elapsed(self):
        return time.monotonic() - self.begun

    def say(self, text):
        print(f"{self.elapsed():7.1f} s  {text}", file=sys.stderr, flush=True)

    def keep(self, stage, name, result):
        """A raw figure; ends up in --json. Returns it."""
        self.raw.append({"stage": stage, "name": name, **{key: value for key, value in result.items() if key != "samples"}})
        return result

    def repeated(self, stage, cases, measure):
        """{name: runs}. `cases` are (name, …): they take turns, so that a change of the machine's mood meets all of them."""
        runs = {case[0]: [] for case in cases}
        for number in range(self.repeat):
            for name, *arguments in cases:
                self.say(f"{stage}: {name} ({number + 1} of {self.repeat})")
                runs[name].append(self.keep(stage, name, measure(*arguments)))
        return runs
