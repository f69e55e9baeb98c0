# SPDX-License-Identifier: MIT
"""The stages of tests/bench/run. Each module has `run(bench)`, which returns lines of Markdown."""
