# SPDX-License-Identifier: MIT
"""Test that PyTorch is needed for `plainfilm.torch` alone, whose message says what to install."""

from __future__ import annotations

import subprocess
import sys


def test_the_module_says_what_to_install_and_the_package_needs_no_torch() -> None:
    script = (
        "import sys; sys.modules['torch'] = None\n"
        "import plainfilm; plainfilm.render, plainfilm.iterate\n"
        "import plainfilm.torch"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stderr.splitlines()[-1] == (
        "ImportError: plainfilm.torch needs PyTorch, which cannot be imported: install it with "
        "`pip install 'plainfilm[torch]'`"
    )


def test_the_package_does_not_load_torch() -> None:
    script = "import sys, plainfilm; plainfilm.render; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", script], check=True)
