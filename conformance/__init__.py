# SPDX-License-Identifier: MIT
"""plainfilm beside DCMTK, pydicom and the oracle, over real and generated films."""
