# SPDX-License-Identifier: MIT
"""What has been done in an OUT, and with what: one SQLite file, written by one run at a time."""
