# SPDX-License-Identifier: MIT
"""Receive instances over the DICOM network, and convert them as they arrive."""
