# SPDX-License-Identifier: MIT
"""Render the frames of a DICOM instance. `pipeline.py` shows the steps in order."""
