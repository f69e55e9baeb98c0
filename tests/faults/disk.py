# SPDX-License-Identifier: MIT
"""A small disk of its own, whose size the test decides: a tmpfs, or ext4 in a file behind a loop device."""

import os
import subprocess
import tempfile
import unittest

MIB = 1 << 20


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def demand(*command):
    done = run(*command)
    if done.returncode != 0:
        denied = f"this machine does not let us do `{' '.join(command)}`: {done.stderr.strip()}"
        raise RuntimeError(denied) if os.environ.get("TW_FAULT_NO_SKIP") else unittest.SkipTest(denied)


class Disk:
    """with Disk(100) as disk: disk.path("data")     a file system of 100 MiB; skips the test where none may be mounted"""

    def __init__(self, mib, kind="tmpfs"):
        self.kind, self.mib = kind, mib
        self.directory = tempfile.mkdtemp(prefix="tapewarden-disk-")
        self.image = self.directory + ".img"
        self.filler = self.path("filler")

    def path(self, *parts):
        return os.path.join(self.directory, *parts)

    def free_mib(self):
        space = os.statvfs(self.directory)
        return space.f_bavail * space.f_frsize / MIB

    def fill(self, leave_mib=0):
        """A file of somebody else takes what is free but for so much, while others write as well."""
        with open(self.filler, "ab") as file:
            piece = 256 * MIB
            while piece >= 4096:
                wanted = min(piece, int((self.free_mib() - leave_mib) * MIB))
                try:
                    os.posix_fallocate(file.fileno(), os.path.getsize(self.filler), max(4096, wanted))
                    if wanted < 4096:
                        return
                except OSError:
                    piece //= 2

    def make_room(self, mib):
        """The filler goes; without one, the disk grows by so much."""
        if os.path.exists(self.filler):
            os.remove(self.filler)
            return
        assert self.kind == "tmpfs"
        self.mib += mib
        done = run("mount", "-o", f"remount,size={self.mib}m", self.directory)
        assert done.returncode == 0, done.stderr

    def __enter__(self):
        try:
            if self.kind == "tmpfs":
                demand("mount", "-t", "tmpfs", "-o", f"size={self.mib}m", "tapewarden-test", self.directory)
            else:
                with open(self.image, "wb") as file:
                    file.truncate(self.mib * MIB)
                demand("mkfs.ext4", "-q", "-F", "-m", "0", self.image)
                demand("mount", "-o", "loop", self.image, self.directory)
        except unittest.SkipTest:
            self._remove()
            raise
        return self

    def __exit__(self, *unused):
        run("umount", "-l", self.directory)
        self._remove()

    def _remove(self):
        os.rmdir(self.directory)
        if os.path.exists(self.image):
            os.remove(self.image)
