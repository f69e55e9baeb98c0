#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What the pure archives ask of others, by nm.

  symbols.py cores=libtw_cores.a cfg=... protocol=... control=libtw_actors.a

The control is an archive that is not pure: if nothing is found in it, the check itself is broken.
"""

import re
import subprocess
import sys

# Libraries, threads, clocks, the network, processes, randomness, floating point whose bits differ between machines.
FORBIDDEN = re.compile(
    r"^(zmq_\w+|z(actor|sock|poller|loop|msg|frame|sys|pipe|proxy)\w*|rocksdb_\w+|curl_\w+|sd_\w+|json_\w+"
    r"|pthread_\w+|thrd_\w+|mtx_\w+|sem_\w+"
    r"|clock_(gettime|nanosleep|getres)|clock|time|gettimeofday|timespec_get|nanosleep|u?sleep|alarm|timer\w+"
    r"|socket|connect|bind|listen|accept4?|send(to|msg)?|recv(from|msg)?|poll|select|epoll_\w+"
    r"|fork|vfork|exec\w+|system|popen|kill|raise|signal|sigaction"
    r"|s?rand(om)?(_r)?|[dejlmn]rand48|getrandom|getentropy|arc4random\w*"
    r"|(exp|log|pow|tanh?|sinh?|cosh?|cbrt|erf|tgamma|lgamma|hypot|fma)[0-9a-z]{0,5})$")
# Files and the environment are for cfg alone. (mmap may be called: without one of these it can only map memory.)
FILES = re.compile(r"^(fopen|fdopen|freopen|open|openat|creat|read|write|pread|pwrite|fread|fgets|getline|stat|fstat"
                   r"|unlink|rename|mkdir|opendir|realpath|tmpfile|(secure_)?getenv|setenv)(64)?(_chk)?$")


def undefined(archive):
    run = subprocess.run(["nm", "-u", "--no-demangle", archive], stdout=subprocess.PIPE, text=True, check=True)
    names = re.findall(r"^\s+[Uw] (\S+)$", run.stdout, re.M)
    return sorted({re.sub(r"@.*|^__|_chk$", "", name) for name in names})


def findings(kind, archive):
    names = undefined(archive)
    if not names:
        return [f"{archive} asks for nothing at all: not an archive of ours?"]
    return [name for name in names if FORBIDDEN.match(name) or (kind != "cfg" and FILES.match(name))]


def main():
    archives = dict(argument.split("=", 1) for argument in sys.argv[1:])
    control = findings("control", archives.pop("control"))
    for wanted in ("zmq_", "clock_gettime"):
        if not any(name.startswith(wanted) for name in control):
            sys.exit(f"the control archive does not show {wanted}: this check is blind")
    bad = {kind: findings(kind, archive) for kind, archive in archives.items()}
    for kind, names in bad.items():
        print(f"{kind}: {', '.join(names) if names else 'pure'}")
    return 1 if any(bad.values()) or set(bad) != {"cores", "cfg", "protocol"} else 0


if __name__ == "__main__":
    sys.exit(main())
