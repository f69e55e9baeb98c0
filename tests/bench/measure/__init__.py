# SPDX-License-Identifier: MIT
"""What the benchmarks share: the daemon and its load as processes, what /proc says of them, medians and tables."""
