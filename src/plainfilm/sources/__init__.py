# SPDX-License-Identifier: MIT
"""The SOURCE arguments in, references out, each with the name of its picture."""
