# SPDX-License-Identifier: MIT
"""What a user can ask for: one module per option group, with its dataclass, its values and their parsers."""
