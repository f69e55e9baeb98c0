# SPDX-License-Identifier: MIT
"""How the daemon comes to life, and when it refuses to: one clear sentence and the right exit code."""

import os
import signal
import socket
import subprocess
import unittest

from harness import Daemon, Publisher, Scratch, run_tool, trade
from harness.daemon import environment, executable
from harness.waiting import PATIENCE


def refused(*options, **more):
    """The end of a daemon that must not start."""
    return run_tool("run", *options, **more)


class Start(unittest.TestCase):
    def assert_refused(self, done, code, *words):
        self.assertEqual(done.code, code, done)
        for word in words:
            self.assertIn(word, done.err, done)
        self.assertNotIn(" ready ", done.err)
        self.assertEqual(done.out, "")

    def test_ready_names_every_door_in_one_line(self):
        with Daemon() as daemon:
            said = daemon.endpoints()
            for door, where in daemon.doors.items():
                self.assertEqual(said[door], where)
            self.assertEqual(sum(" ready " in line for line in daemon.log), 1, daemon.said())

    def test_port_0_takes_a_free_port_and_says_which(self):
        with Scratch() as scratch:
            daemon = Daemon(data=scratch.path("data"))
            daemon.doors = {door: "tcp://127.0.0.1:0" for door in daemon.doors}
            with daemon:
                daemon.doors = {door: daemon.endpoints()[door] for door in daemon.doors}
                self.assertEqual(len(set(daemon.doors.values())), len(daemon.doors))
                with Publisher(daemon, "somebody") as publisher:
                    publisher.publish([trade()])

    def test_ipc_doors(self):
        daemon = Daemon()
        daemon.doors = {door: f"ipc://{daemon.scratch.path(door)}" for door in daemon.doors}
        with daemon, Publisher(daemon, "somebody") as publisher:
            self.assertEqual(publisher.publish([trade()])["durable"], 1)

    def test_binding_beyond_loopback_is_refused_with_the_reason(self):
        with Scratch() as scratch:
            for where in ("tcp://0.0.0.0:7701", "tcp://*:7701", "tcp://192.0.2.1:7701", "tcp://[::]:7701"):
                for door in ("trades", "acks", "alerts", "live", "requests"):
                    done = refused("--data", scratch.path("data"), "--set", f"bind/{door}={where}")
                    self.assert_refused(done, 2, f"bind/{door}", "CURVE")
            self.assertFalse(os.path.exists(scratch.path("data")))

    def test_an_occupied_port_is_exit_3_and_named(self):
        with socket.socket() as occupant:
            occupant.bind(("127.0.0.1", 0))
            occupant.listen()
            where = f"tcp://127.0.0.1:{occupant.getsockname()[1]}"
            for door in ("trades", "acks", "alerts", "live", "requests"):
                daemon = Daemon()
                daemon.doors[door] = where
                done = refused("--data", daemon.data, *daemon.options())
                daemon.scratch.__exit__()
                self.assert_refused(done, 3, where)

    def test_a_second_daemon_on_the_same_data_is_exit_3(self):
        with Daemon() as daemon:
            second = Daemon(data=daemon.data)
            done = refused("--data", daemon.data, *second.options())
            second.scratch.__exit__()
            self.assert_refused(done, 3, daemon.data)
            with Publisher(daemon, "somebody") as publisher:    # the first one does not mind
                publisher.publish([trade()])

    def test_data_that_cannot_be_written_is_exit_3(self):
        with Scratch() as scratch:
            file = scratch.write("file", "not a directory")
            for data in (file, os.path.join(file, "below")):
                self.assert_refused(refused("--data", data), 3, data)
            self.assert_refused(refused("--data", "/proc/nowhere/data"), 3, "/proc/nowhere")

    @unittest.skipIf(os.geteuid() == 0, "root may write everywhere")
    def test_a_read_only_directory_is_exit_3(self):
        with Scratch() as scratch:
            os.mkdir(scratch.path("data"), 0o500)
            self.assert_refused(refused("--data", scratch.path("data")), 3, scratch.path("data"))

    def test_a_damaged_store_is_exit_3_and_named(self):
        with Daemon() as daemon:
            with Publisher(daemon, "somebody") as publisher:
                publisher.publish([trade()])
            self.assertEqual(daemon.stop()[0], 0)
            for folder, _, names in os.walk(daemon.data):
                for name in names:
                    if name == "CURRENT" or name.startswith("MANIFEST"):
                        with open(os.path.join(folder, name), "wb") as file:
                            file.write(b"\xff" * 40)
            self.assert_refused(refused("--data", daemon.data, *daemon.options()), 3, daemon.data)

    def test_a_foreign_directory_is_left_alone(self):
        with Scratch() as scratch:
            os.mkdir(scratch.path("data"))
            precious = scratch.write("data/precious.txt", "mine")
            done = refused("--data", scratch.path("data"))
            self.assert_refused(done, 3, scratch.path("data"))
            with open(precious, encoding="utf-8") as file:
                self.assertEqual(file.read(), "mine")

    def test_an_unknown_key_is_exit_2_with_the_nearest_name(self):
        with Scratch() as scratch:
            done = refused("--set", "rules/large_trade/treshold=5", "--data", scratch.path("data"))
            self.assert_refused(done, 2, "rules/large_trade/treshold", "rules/large_trade/threshold")
            file = scratch.write("own.zpl", "exposure\n    remark = 1\n    mesure = net\n")
            done = refused("-c", file, "--data", scratch.path("data"))
            self.assert_refused(done, 2, f"{file}:3", "exposure/mesure", "exposure/measure")
            done = refused("--data", scratch.path("data"), extra={"TAPEWARDEN_PIPELINE__SHARD": "2"})
            self.assert_refused(done, 2, "TAPEWARDEN_PIPELINE__SHARD:", "TAPEWARDEN_PIPELINE__SHARDS")
            done = refused("--set", "bind/http=127.0.0.1:7780", "--data", scratch.path("data"))
            self.assert_refused(done, 2, "bind/http", "not available")
            self.assert_refused(refused("--frobnicate"), 2, "--frobnicate")

    def test_a_missing_configuration_file_is_exit_3(self):
        with Scratch() as scratch:
            self.assert_refused(refused("-c", scratch.path("nowhere.zpl")), 3, scratch.path("nowhere.zpl"))

    def test_a_bare_name_that_cannot_be_used_yet_is_one_warning(self):
        with Daemon(extra={"SQS_QUEUE_URL": "very/secret", "AWS_REGION": ""}) as daemon:
            lines = [line for line in daemon.log if "SQS_QUEUE_URL" in line]
            self.assertEqual(len(lines), 1, daemon.said())
            self.assertNotIn("very/secret", daemon.said())

    def test_the_log_can_be_json(self):
        import json
        with Daemon(sets={"log/json": "on"}) as daemon:
            daemon.await_line("ready")
            for line in daemon.log:
                self.assertIn("message", json.loads(line))

    def test_closed_standard_descriptors_do_not_become_files_of_the_store(self):
        daemon = Daemon()
        with daemon.scratch, Publisher(daemon, "desk-7") as publisher:
            process = subprocess.Popen(["sh", "-c", 'exec <&- >&- 2>&-; exec "$@"', "sh", executable(), "run",
                                        "--data", daemon.data, *daemon.options()], env=environment())
            try:
                publisher.publish([trade()])
                for descriptor in range(3):
                    self.assertEqual(os.readlink(f"/proc/{process.pid}/fd/{descriptor}"), "/dev/null")
                process.send_signal(signal.SIGTERM)
                self.assertEqual(process.wait(10 * PATIENCE), 0)
            finally:
                process.kill()
                process.wait()

    def test_every_command_helps_itself(self):
        for command in ("run", "publish", "simulate", "alerts", "route", "replay", "store", "config"):
            done = run_tool(command, "--help")
            self.assertEqual(done.code, 0, done)
            self.assertIn(f"tapewarden {command}", done.out)
            self.assertEqual(done.err, "")
        done = run_tool("nonsense")
        self.assertEqual(done.code, 2)
        self.assertIn("nonsense", done.err)


if __name__ == "__main__":
    unittest.main()
