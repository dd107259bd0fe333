# SPDX-License-Identifier: MIT
"""Names and bytes in, whole files out."""
