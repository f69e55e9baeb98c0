# SPDX-License-Identifier: MIT
"""On what the figures were taken: machine, commit, versions."""
import datetime
import os
import platform
import re
import subprocess


def _said(*command):
    try:
        return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "?"


def commit(root):
    return _said("git", "-C", str(root), "describe", "--always", "--dirty")


def load():
    return os.getloadavg()[0]


def _processor():
    with open("/proc/cpuinfo", encoding="utf-8") as info:
        return next((line.split(": ", 1)[1].strip() for line in info if line.startswith("model name")), platform.machine())


def _memory_gib():
    with open("/proc/meminfo", encoding="utf-8") as info:
        return int(re.search(r"MemTotal:\s+(\d+)", info.read()).group(1)) / 2**20


def _file_system(directory):
    return _said("findmnt", "-no", "FSTYPE", "-T", str(directory)).split()[-1]    # of several, one over the other


def compiler(build):
    """From what CMake found when it configured the build."""
    for at, _, names in os.walk(os.path.join(build, "CMakeFiles")):
        if "CMakeCCompiler.cmake" in names:
            with open(os.path.join(at, "CMakeCCompiler.cmake"), encoding="utf-8") as file:
                text = file.read()
            known = dict(re.findall(r'set\(CMAKE_C_COMPILER_(ID|VERSION) "([^"]*)"\)', text))
            return known.get("ID", "?").replace("GNU", "gcc").replace("Clang", "clang"), known.get("VERSION", "?")
    return "?", "?"


def build_type(build):
    try:
        with open(os.path.join(build, "CMakeCache.txt"), encoding="utf-8") as cache:
            return re.search(r"^CMAKE_BUILD_TYPE:\w+=(.*)$", cache.read(), re.MULTILINE).group(1)
    except (OSError, AttributeError):
        return "?"


def versions(build):
    libraries = ", ".join(f"{name} {_said('pkg-config', '--modversion', name)}" for name in ("libzmq", "libczmq", "rocksdb"))
    return f"{' '.join(compiler(build))} ({build_type(build)}), {libraries}, Linux {platform.release()}"


def heading(bench, title):
    lines = [f"\n## {datetime.date.today()} · {commit(bench.root)}{' · ' + title if title else ''}\n",
             f"{_processor()}, {os.cpu_count()} cores, {_memory_gib():.0f} GiB, data on {_file_system(bench.directory)}; "
             f"{versions(bench.build)}. Load average at the start {load():.1f}. Medians of {bench.repeat} "
             f"run{'s' if bench.repeat > 1 else ''} of {bench.seconds:g} s, in brackets the lowest and highest.\n"]
    if load() > 0.5:
        lines.append("**The machine was doing other work at the start: only ratios within this section say something.**\n")
    return lines
