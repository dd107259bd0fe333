# SPDX-License-Identifier: MIT
"""A pool of worker processes with deadlines and memory limits. Nothing here knows about images."""
