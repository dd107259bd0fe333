# SPDX-License-Identifier: MIT
"""Synthetic hand radiographs, drawn by this package alone: what `plainfilm demo` shows and the tests are made of."""
