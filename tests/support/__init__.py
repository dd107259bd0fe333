# SPDX-License-Identifier: MIT
"""Typed builders and real components that tests share."""
