# SPDX-License-Identifier: MIT
"""Image objects built by parameter, with every oddity that the oracle knows."""
