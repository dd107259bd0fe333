# SPDX-License-Identifier: MIT
"""Compute the rows and columns of the output: square pixels, crop, turn, size, and the affine."""
