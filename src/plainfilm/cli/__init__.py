# SPDX-License-Identifier: MIT
"""The command line: one module per command, which turns its arguments into options and its result into an exit code."""
