# SPDX-License-Identifier: MIT
"""Convert pixel cells to output levels by DICOM's grayscale pipeline, and describe each conversion in a plan."""
