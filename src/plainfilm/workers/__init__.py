# SPDX-License-Identifier: MIT
"""Run jobs in a pool of worker processes with deadlines and memory limits. Nothing here knows about images."""
