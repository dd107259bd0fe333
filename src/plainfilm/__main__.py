# SPDX-License-Identifier: MIT
"""`python -m plainfilm`: the command line."""

import sys

from plainfilm.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
