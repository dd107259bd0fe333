# SPDX-License-Identifier: MIT
"""Run the command line as `python -m plainfilm`."""

import sys

from plainfilm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
