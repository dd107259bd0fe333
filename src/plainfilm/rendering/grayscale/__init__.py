# SPDX-License-Identifier: MIT
"""Cells in, output levels out: the grayscale pipeline of the standard, and the plan that says what it does."""
