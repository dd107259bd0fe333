# SPDX-License-Identifier: MIT
"""Measure the speed and memory of plainfilm and of other programs on synthetic images."""
