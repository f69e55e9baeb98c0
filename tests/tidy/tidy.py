#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks of the house's style that a compiler does not make.

  tidy.py [--root DIR] CHECK...        checks: see the functions `check_*`; none named: all

Prints one line a finding, FILE:LINE: what. Exit code 1 if there is any.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys

FOLDERS = ("actors", "protocol", "store", "cfg", "tools", "tests", ".ci")
SKIPPED = re.compile(r"^(build.*|__pycache__|corpus|node_modules)$")
FILE_LINES_MAX = 600
FUNCTION_LINES_MAX = 70
LONG_FUNCTIONS_SHARE_MAX = 0.02

# Which folders' headers a folder may include. The first prefix that fits counts.
REACH = (
    ("protocol/", ("protocol/",)),
    ("cfg/", ("cfg/", "protocol/")),
    ("store/", ("store/", "protocol/")),
    ("actors/", ("actors/", "store/", "cfg/", "protocol/")),
    ("tools/client/", ("tools/client/", "protocol/")),
    ("tools/", ("tools/", "actors/", "store/", "cfg/", "protocol/")),
)
SHELL = re.compile(r"^actors/([^/]+/\w+_actor\.[ch]|\w+_actor\.[ch]|runtime/.*|topology\w*\.[ch])$")
IMPURE = re.compile(r"^(zmq|czmq|zmq_utils|pthread|threads|stdatomic|time|sys/time|sys/socket|sys/stat|sys/mman|fcntl|"
                    r"unistd|signal|poll|sys/epoll|dirent|fenv)\.h$|^(rocksdb|curl|systemd)/")


class Source:
    """One text file: its path from the root, and its lines."""

    def __init__(self, root, path):
        self.path = path
        with open(os.path.join(root, path), encoding="utf-8", errors="replace", newline="") as file:
            self.text = file.read()
        self.lines = self.text.split("\n")
        if self.lines[-1] == "":
            self.lines.pop()

    def includes(self):
        """(line number, form, header): form is '"' or '<'."""
        for number, line in enumerate(self.lines, 1):
            found = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if found:
                yield number, found.group(1), found.group(2)


class Tree:
    """The project's own text files."""

    def __init__(self, root):
        self.root = root
        self.sources = [Source(root, path) for path in sorted(self._paths())]

    def _paths(self):
        for name in os.listdir(self.root):
            if os.path.isfile(os.path.join(self.root, name)) and name != ".git":
                yield name
        for folder in FOLDERS:
            for at, folders, names in os.walk(os.path.join(self.root, folder)):
                folders[:] = [name for name in folders if not SKIPPED.match(name)]
                for name in names:
                    if not name.endswith((".pyc", ".gz", ".png")):
                        yield os.path.relpath(os.path.join(at, name), self.root)

    def having(self, *suffixes):
        return [source for source in self.sources if source.path.endswith(suffixes)]

    def c(self):
        return self.having(".c", ".h")


def check_format(tree):
    """clang-format has nothing to change."""
    tool = shutil.which("clang-format-14") or shutil.which("clang-format")
    if tool is None:
        yield "clang-format is not installed"
        return
    paths = [source.path for source in tree.c()]
    run = subprocess.run([tool, "-n", *paths], cwd=tree.root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                         text=True, check=False)
    findings = [line for line in run.stderr.splitlines() if "clang-format-violations" in line]
    yield from findings
    if run.returncode != 0 and not findings:
        yield f"clang-format failed: {run.stderr[:500]}"


def check_whitespace(tree):
    """No tabs in C, no white space at the end of a line, one line feed at the end of a file."""
    for source in tree.having(".c", ".h", ".def", ".py", ".cmake", ".txt", ".md"):
        for number, line in enumerate(source.lines, 1):
            if "\t" in line and source.path.endswith((".c", ".h", ".def")):
                yield f"{source.path}:{number}: a tab"
            if line != line.rstrip():
                yield f"{source.path}:{number}: white space at the end"
        if source.text and (not source.text.endswith("\n") or source.text.endswith("\n\n")):
            yield f"{source.path}: does not end in exactly one line feed"


def check_licence(tree):
    """Every C file begins with its licence."""
    for source in tree.having(".c", ".h", ".def"):
        if not source.text.startswith("/* SPDX-License-Identifier: MIT"):
            yield f"{source.path}:1: does not begin with /* SPDX-License-Identifier: MIT"


def check_size(tree):
    """Files of a few hundred lines."""
    for source in tree.having(".c", ".h", ".def", ".py", ".js"):
        if len(source.lines) > FILE_LINES_MAX:
            yield f"{source.path}: {len(source.lines)} lines, more than {FILE_LINES_MAX}"


def functions(source):
    """(line, name, length): from the brace in column 0 to that at the end, as .clang-format lays functions out."""
    begin = None
    for number, line in enumerate(source.lines, 1):
        if line == "{":
            begin = number
        elif line.startswith("}") and begin is not None:
            head = " ".join(source.lines[max(0, begin - 5):begin - 1])
            names = re.findall(r"(\w+)\(", head)
            yield begin, names[-1] if names else "?", number - begin + 1
            begin = None


def check_functions(tree):
    """Functions that one sees at once: at most two in a hundred are longer than 70 lines."""
    every = [(source.path, *function) for source in tree.c() for function in functions(source)]
    long = [function for function in every if function[3] > FUNCTION_LINES_MAX]
    if not every:
        yield "no functions found: this check looks at the wrong place"
    if len(long) > LONG_FUNCTIONS_SHARE_MAX * len(every):
        for path, line, name, length in long:
            yield f"{path}:{line}: {name} has {length} lines"
        yield f"{len(long)} of {len(every)} functions have more than {FUNCTION_LINES_MAX} lines"


def check_dependencies(tree):
    """tools -> actors -> {store, cfg} -> protocol; each library is named in its own place only."""
    for source in tree.c():
        reach = next((allowed for prefix, allowed in REACH if source.path.startswith(prefix)), None)
        for number, form, header in source.includes():
            if form == '"' and reach is not None and not header.startswith(reach):
                yield f"{source.path}:{number}: {header} is none of this folder's business"
            if header.startswith("rocksdb/") and not source.path.startswith(("store/", "tests/bench/", "tests/unit/test_store_")):
                yield f"{source.path}:{number}: RocksDB is named in store/ and its tests only (and held against it in tests/bench/)"
            if header in ("zmq.h", "czmq.h") and not (
                    SHELL.match(source.path) or source.path.startswith(("tools/", "tests/"))):
                yield f"{source.path}:{number}: {header} outside an actor's shell, actors/runtime and tools/"
            if form == '"' and os.path.dirname(header) == "":
                yield f"{source.path}:{number}: {header} without its folder" if reach is not None else None


def cores(tree):
    return [source for source in tree.c() if re.match(r"^actors/[^/]+/", source.path) and not SHELL.match(source.path)]


def check_purity(tree):
    """Cores include nothing that reaches the world, and no shell. (tests/unit/purity looks at what they link.)"""
    found = cores(tree)
    if len(found) < 10:
        yield f"only {len(found)} core files found: this check looks at the wrong place"
    for source in found:
        for number, form, header in source.includes():
            if form == "<" and IMPURE.search(header):
                yield f"{source.path}:{number}: a core includes <{header}>"
            if form == '"' and (SHELL.match(header) or header.startswith("store/")):
                yield f"{source.path}:{number}: a core includes {header}"


def check_codes(tree):
    """Every status code stands on the page of the wire, with the meaning that the table gives it."""
    table = next(source for source in tree.sources if source.path == "protocol/status.h")
    page = next((source for source in tree.sources if source.path == "protocol/README.md"), None)
    if page is None:
        yield "protocol/README.md is missing"
        return
    rows = re.findall(r'X\(\w+,\s*"(\w+)",\s*"([^"]+)"\)', table.text)
    if len(rows) < 20:
        yield f"only {len(rows)} codes found in protocol/status.h: this check looks at the wrong place"
    documented = dict(re.findall(r"^\| `(\w+)` \| ([^|]+?) \|", page.text, re.M))
    for name, meaning in rows:
        if documented.get(name) != meaning:
            yield f"protocol/README.md: {name} is not there, or not with the meaning \"{meaning}\""


def check_machines(tree):
    """No paths or hosts of somebody's machine."""
    place = re.compile(r"(^|[^A-Za-z0-9_.])/(home|root|work|farm|Users|mnt)/[a-z.]|"
                       r"https?://(deb|registry|ftp|mirror)[a-z.]")
    for source in tree.sources:
        for number, line in enumerate(source.lines, 1):
            if place.search(line):
                yield f"{source.path}:{number}: a path or host of one machine"


CHECKS = {name[len("check_"):]: check for name, check in globals().items() if name.startswith("check_")}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--root", default=os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
    parser.add_argument("checks", nargs="*", metavar="CHECK", help=", ".join(CHECKS))
    args = parser.parse_args()
    for name in args.checks:
        if name not in CHECKS:
            parser.error(f"no check {name}")
    tree = Tree(os.path.normpath(args.root))
    count = 0
    for name in args.checks or CHECKS:
        for finding in CHECKS[name](tree):
            if finding is not None:
                count += 1
                print(f"{name}: {finding}")
    print(f"{count} findings in {len(tree.sources)} files")
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
