# SPDX-License-Identifier: MIT
"""Rows and columns of the output: square pixels, crop, orientation, size, and the affine."""
