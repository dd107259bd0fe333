# SPDX-License-Identifier: MIT
"""Sections of docs/benchmarks.md that one benchmark writes: its command line, and the section in the page."""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

_NEXT = "\n## "

Section = Callable[[Path, int, bool, str], Iterator[str]]
"""A function of a temporary folder, the number of rounds, whether the form is short, and the Python of the peers."""


def write_section(description: str | None, heading: str, section: Section) -> None:
    """Run the command line of a benchmark: print the lines of its section, and with --page write them."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3, help="number of rounds (default: 3)")
    parser.add_argument("--short", action="store_true", help="few small films: its figures mean nothing")
    parser.add_argument("--peers-python", default=sys.executable, help="the Python of benchmarks/requirements.txt")
    parser.add_argument("--page", type=Path, help="the page whose section is replaced")
    settings = parser.parse_args()
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        for line in section(Path(folder), settings.rounds, settings.short, settings.peers_python):
            print(line, flush=True)
            lines.append(line)
    if settings.page is not None:
        replace_section(settings.page, "\n".join(lines), heading)


def replace_section(page: Path, text: str, heading: str) -> None:
    """Replace the section of a heading in a page, or add it before the stages of one file."""
    old = page.read_text(encoding="utf-8")
    start = old.find(heading)
    if start < 0:
        start = stop = old.index("## Stages of one file")
    else:
        stop = old.index(_NEXT, start + 1) + 1
    page.write_text(old[:start] + text + "\n" + old[stop:], encoding="utf-8")
