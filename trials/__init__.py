# SPDX-License-Identifier: MIT
"""Long trials of whole runs on the real command; each is one command: `python -m trials.kills`."""
