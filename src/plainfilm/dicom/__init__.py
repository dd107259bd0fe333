# SPDX-License-Identifier: MIT
"""Bytes in, a frozen Instance out: the only package that knows pydicom and keywords."""
