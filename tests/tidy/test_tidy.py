#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Each check of tidy.py finds the fault that is planted for it, and nothing in a clean tree."""

import os
import tempfile
import unittest

import tidy

HEAD = "/* SPDX-License-Identifier: MIT\n *\n * A file.\n */\n"
CODES = "".join(f'    X(C{i}, "code_{i}", "meaning {i}") \\\n' for i in range(20))
PAGE = "".join(f"| `code_{i}` | meaning {i} |\n" for i in range(20))
CLEAN = {f"actors/shard/part_{i}.c": HEAD + "int tw_part(void)\n{\n    return 1;\n}\n" for i in range(12)}
CLEAN |= {"protocol/status.h": HEAD + "#define TW_CODES(X) \\\n" + CODES, "protocol/README.md": PAGE}


def planted(files):
    """A Tree of the clean files and `files`."""
    with tempfile.TemporaryDirectory() as root:
        for path, text in {**CLEAN, **files}.items():
            os.makedirs(os.path.join(root, os.path.dirname(path)), exist_ok=True)
            with open(os.path.join(root, path), "w", encoding="utf-8", newline="") as file:
                file.write(text)
        return tidy.Tree(root)


def findings(check, path, text):
    return [f for f in tidy.CHECKS[check](planted({path: text})) if f is not None]


class TidyFindsWhatItLooksFor(unittest.TestCase):
    def assert_finds(self, check, path, text):
        found = findings(check, path, text)
        self.assertTrue(any(path in line for line in found), f"{check} says {found}")

    def test_a_clean_tree_has_no_findings(self):
        for name, check in tidy.CHECKS.items():
            if name != "format":
                self.assertEqual([f for f in check(planted({})) if f is not None], [], name)

    def test_white_space_and_tabs(self):
        self.assert_finds("whitespace", "store/a.c", HEAD + "int a; \n")
        self.assert_finds("whitespace", "store/a.c", HEAD + "\tint a;\n")
        self.assert_finds("whitespace", "store/a.c", HEAD + "int a;")

    def test_a_missing_licence(self):
        self.assert_finds("licence", "store/a.c", "int a;\n")

    def test_a_long_file_and_a_long_function(self):
        self.assert_finds("size", "store/a.c", HEAD + "int a;\n" * 600)
        self.assert_finds("functions", "store/a.c", HEAD + "int tw_a(void)\n{\n" + "    a();\n" * 70 + "}\n")

    def test_dependencies_that_go_the_wrong_way(self):
        for path, header in (("protocol/a.c", '"cfg/cfg.h"'), ("cfg/a.c", '"store/store.h"'),
                             ("store/a.c", '"cfg/cfg.h"'), ("actors/shard/shard.c", '"tools/cli.h"'),
                             ("tools/client/a.c", '"actors/topology.h"'), ("actors/router/a.c", "<rocksdb/c.h>"),
                             ("actors/shard/shard.c", "<zmq.h>"), ("store/a.c", "<czmq.h>"), ("store/a.c", '"inside.h"')):
            self.assert_finds("dependencies", path, f"{HEAD}#include {header}\n")
        for path, header in (("actors/shard/shard_actor.c", "<zmq.h>"), ("store/a.c", "<rocksdb/c.h>"),
                             ("tools/a.c", '"actors/topology.h"'), ("actors/runtime/a.c", "<czmq.h>")):
            self.assertEqual(findings("dependencies", path, f"{HEAD}#include {header}\n"), [])

    def test_impure_cores(self):
        for header in ("<time.h>", "<pthread.h>", "<curl/curl.h>", "<rocksdb/c.h>", '"store/store.h"',
                       '"actors/shard/shard_actor.h"', '"actors/runtime/lane.h"'):
            self.assert_finds("purity", "actors/shard/shard.c", f"{HEAD}#include {header}\n")
        self.assertEqual(findings("purity", "actors/shard/shard_actor.c", HEAD + "#include <time.h>\n"), [])

    def test_a_code_without_documentation(self):
        found = findings("codes", "protocol/README.md", PAGE.replace("| meaning 7 |", "| something else |"))
        self.assertEqual(len(found), 1)
        self.assertIn("code_7", found[0])

    def test_machine_paths(self):
        self.assert_finds("machines", "tools/a.py", "open('" + "/ho" + "me/somebody/x')\n")
        self.assert_finds("machines", "README.md", "see http:" + "//deb.example.org\n")


if __name__ == "__main__":
    unittest.main()
