# SPDX-License-Identifier: MIT
"""Compare plainfilm with DCMTK, pydicom and the oracle, on real files and on generated images."""
