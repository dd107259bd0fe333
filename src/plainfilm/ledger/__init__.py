# SPDX-License-Identifier: MIT
"""Keep the record of what is done in an OUT, and with which options: one SQLite file, written by one run at a time."""
