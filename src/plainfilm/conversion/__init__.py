# SPDX-License-Identifier: MIT
"""Convert sources into OUT: jobs for the workers, results committed in batches, tables and a summary at the end."""
