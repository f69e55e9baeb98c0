# SPDX-License-Identifier: MIT
"""What /proc says of a process."""
import os
import pathlib
import re

TICK_NS = 1_000_000_000 // os.sysconf("SC_CLK_TCK")


def _task_ns(task):
    """CPU time of one thread: exact where the kernel keeps it (schedstat), else in its ticks."""
    try:
        return int((task / "schedstat").read_text().split()[0])
    except (OSError, ValueError, IndexError):
        fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) * TICK_NS


def thread_ns(pid):
    """{(tid, name): CPU time in ns}"""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            found[int(task.name), (task / "comm").read_text().strip()] = _task_ns(task)
        except OSError:     # it ended meanwhile
            pass
    return found


def spent_ns(before, after):
    """{name: CPU time in between}; threads of one name, and shards, together."""
    spent = {}
    for key, ns in after.items():
        name = re.sub(r"^(ZMQbg/\w+|rocksdb:[a-z]+).*", r"\1", re.sub(r"^(shard)-\d+$", r"\1", key[1]))
        spent[name] = spent.get(name, 0) + ns - before.get(key, 0)
    return spent


def memory(pid, key="RssAnon"):
    """Bytes: RssAnon what is its own now, VmHWM the most that was ever resident."""
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{key}:\s+(\d+) kB", status, re.MULTILINE).group(1)) * 1024


def written(pid):
    """Bytes that the process caused to be written to disks, without what was deleted before it came to that."""
    try:
        fields = dict(line.split(": ") for line in pathlib.Path(f"/proc/{pid}/io").read_text().splitlines())
    except PermissionError:
        return 0
    return int(fields["write_bytes"]) - int(fields["cancelled_write_bytes"])


def disk(directory):
    """Bytes of the files below a directory; some go while we look."""
    total = 0
    for at, _, names in os.walk(directory):
        for name in names:
            try:
                total += os.stat(os.path.join(at, name)).st_size
            except FileNotFoundError:
                pass
    return total
