# SPDX-License-Identifier: MIT
"""Show what was done to images: report.html of a run, contact sheets, comparisons of looks, and explanations."""
