# SPDX-License-Identifier: MIT
"""Where the jobs of a run are done: in the worker processes of this machine, or on a Dask cluster."""
