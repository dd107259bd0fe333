# SPDX-License-Identifier: MIT
"""Limits hold: a test sets each in a process of its own, which then exceeds it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from plainfilm.workers import limits

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the limits of Linux")


def run_python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)


def test_the_address_space_is_limited_relative_to_its_current_size() -> None:
    code = (
        "from plainfilm.workers.limits import limit_address_space\n"
        "taken = b'x' * (300 << 20)\n"
        "limit_address_space(200 << 20)\n"
        "fits = b'x' * (100 << 20)\n"
        "try:\n    b'x' * (200 << 20)\n"
        "except MemoryError:\n    print('refused')"
    )
    assert run_python(code).stdout == "refused\n"


def test_a_hard_limit_of_the_user_is_kept() -> None:
    code = (
        "import resource\n"
        "from plainfilm.workers.limits import limit_address_space\n"
        "resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))\n"
        "limit_address_space(8 << 30)\n"
        "print(resource.getrlimit(resource.RLIMIT_AS))"
    )
    assert run_python(code).stdout == f"{(1 << 30, 1 << 30)}\n"


@pytest.mark.slow
def test_processor_time_runs_out() -> None:
    code = "from plainfilm.workers import limits\nlimits.limit_processor_time(0.001)\nwhile True: pass"
    assert run_python(code).returncode == -signal.SIGXCPU


def test_no_core_dump_is_written() -> None:
    code = "import resource\nfrom plainfilm.workers import limits\n"
    code += "limits.disable_core_dumps()\nprint(resource.getrlimit(4))"
    assert run_python(code).stdout == "(0, 0)\n"


def test_the_resident_size_of_another_process_is_sampled() -> None:
    own = limits.resident_size()
    assert own is not None
    sampled = limits.resident_sizes([os.getpid(), 1 << 22])
    assert list(sampled) == [os.getpid()]
    assert own / 2 < sampled[os.getpid()] < own * 2


def test_a_missing_process_has_no_sample() -> None:
    assert limits.resident_sizes([]) == {}
