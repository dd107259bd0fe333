# SPDX-License-Identifier: MIT
"""Where both wings meet: references in, pictures and rows out, through worker processes."""
