# SPDX-License-Identifier: MIT
"""What people would use instead. Each module has NAME, LACKS (what it does not do), PACKAGE and PROGRAM (or None), and
`measure(bench, tape)`, which returns trades and seconds. Nothing is installed; servers are started, and ended."""
