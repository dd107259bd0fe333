# SPDX-License-Identifier: MIT
"""Synthetic hand radiographs, drawn by this package alone, for `plainfilm demo` and for tests."""
