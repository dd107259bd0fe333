# SPDX-License-Identifier: MIT
"""Build image objects by parameter, with every oddity that the oracle knows."""
