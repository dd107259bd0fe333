# SPDX-License-Identifier: MIT
"""The command line: words in, an exit code out; no other logic."""
