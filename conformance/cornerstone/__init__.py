# SPDX-License-Identifier: MIT
"""plainfilm beside cornerstone3D in a real browser (headless Chromium), one canvas pixel for each image pixel.

Needs npm, Chromium and the Python package playwright: `python -m conformance.cornerstone`.
"""
