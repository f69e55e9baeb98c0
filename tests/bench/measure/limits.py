# SPDX-License-Identifier: MIT
"""Raw ceilings of the libraries, measured in the same run, if ../shared/limits is there: {name: trades a second}."""
import subprocess
import tempfile

WIRE_BYTES = 33     # a trade of the synthetic flow in columns


def _built(bench, directory, name):
    source = (bench.shared / "limits" / f"{name}.c").read_text()
    # They listen where we may.
    code = f"{directory}/{name}.c"
    with open(code, "w", encoding="utf-8") as file:
        file.write(source.replace(":5599", f":{bench.port + 10}"))
    subprocess.run(["cc", "-O2", "-w", "-o", f"{directory}/{name}", code, "-lzmq", "-lrocksdb", "-lpthread", "-lm"], check=True)
    return f"{directory}/{name}"


def _said(*command):
    return subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True).stdout


def _rocks(program, directory, seconds, sync):
    said = _said(program, f"{directory}/db", "block", int(1_500_000 * seconds), 4000, sync)
    return float(said.split(": ")[1].split()[0]) * 1e6


def _zmq(program, seconds):
    return float(_said(program, "tcp", 65536, int(5000 * seconds)).split("msg/s ")[1].split()[0]) * 1e6 / WIRE_BYTES


def ceilings(bench):
    """{name: [{"trades_per_second": …} for each run]}"""
    if not (bench.shared / "limits").is_dir():
        return {}
    found, seconds = {}, min(bench.seconds, 10)
    with tempfile.TemporaryDirectory(dir=bench.directory) as directory:
        rocks, zmq = (_built(bench, directory, name) for name in ("rocks_limit", "zmq_limit"))
        for _ in range(bench.repeat):
            for name, rate in (("RocksDB, one key a block of 4,000, fsync each", lambda: _rocks(rocks, directory, seconds, 1)),
                               (f"libzmq tcp, 64 KB messages, as trades of {WIRE_BYTES} bytes", lambda: _zmq(zmq, seconds))):
                bench.say(f"ceiling: {name}")
                found.setdefault(name, []).append({"trades_per_second": rate()})
    return found
