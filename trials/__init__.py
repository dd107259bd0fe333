# SPDX-License-Identifier: MIT
"""Trials: commands that stop, fill, damage and load whole runs, and check what plainfilm promises of them."""
