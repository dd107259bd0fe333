# SPDX-License-Identifier: MIT
"""Turn the SOURCE arguments into References: one per input file, with the name of its image; and read their bytes."""
