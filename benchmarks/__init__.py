# SPDX-License-Identifier: MIT
"""plainfilm timed beside its peers on the same films: `python -m benchmarks.run`."""
