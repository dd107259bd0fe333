# SPDX-License-Identifier: MIT
"""Encode images as files in memory."""
