# SPDX-License-Identifier: MIT
"""The options: one module per group, with the dataclass of the group, its value types and their parsers.

To add an option, add one field to the dataclass of a group and run `python -m plainfilm.options.write_keywords`, which
updates the types of the Python keywords in `keywords.py`. The command line, the environment, configuration files,
the Python functions, run.json and the fingerprint of a run all read the declaration of the field.
"""
