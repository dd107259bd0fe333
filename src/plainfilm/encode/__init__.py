# SPDX-License-Identifier: MIT
"""An image in, the bytes of a file out."""
