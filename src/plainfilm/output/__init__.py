# SPDX-License-Identifier: MIT
"""Write whole files and tables into OUT."""
