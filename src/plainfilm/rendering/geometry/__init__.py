# SPDX-License-Identifier: MIT
"""The rows and columns of the output: square pixels, crop, turn, size, and the affine."""
