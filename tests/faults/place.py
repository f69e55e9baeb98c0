# SPDX-License-Identifier: MIT
"""Importing this finds the harness of the integration tests."""

import os
import sys

sys.path.insert(0, os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration")))
