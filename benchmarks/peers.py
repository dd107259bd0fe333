# SPDX-License-Identifier: MIT
"""The programs that are timed: for each its command, its version, and why it cannot run here where it cannot."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
Command = Callable[[str, Path, Path], list[str]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A program: `command` of (the peers' Python, IN, OUT); a package of that Python, or a tool, that it needs."""

    name: str
    command: Command
    package: str = ""
    tool: str = ""

    def version(self, python: str) -> str:
        """The version of what it is; '' where it is not installed."""
        if self.tool:
            return _first_line([self.tool, "--version"]) if shutil.which(self.tool) else ""
        ask = f"from importlib.metadata import version; print(version({self.package!r}))"
        return _first_line([python, "-c", ask])


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    return lines[0].strip("$ ") if done.returncode == 0 and lines else ""


def _plainfilm(jobs: int, *options: str) -> Command:
    return lambda _python, source, out: [
        *(sys.executable, "-m", "plainfilm", "convert", str(source), str(out)),
        *("--jobs", str(jobs), "--progress", "none", *options),
    ]


def _recipe(peer: str, jobs: int = 1) -> Command:
    return lambda python, source, out: [python, str(HERE / "recipe.py"), peer, str(source), str(out), str(jobs)]


_EACH = """mkdir -p "$2"; export OUT="$2"; find "$1" -type f -print0 | xargs -0 -n 1 -P "$3" sh -c \
'dcmj2pnm +on +Fa -O +Wi 1 "$1" "$OUT/$(basename "$1")"' sh"""


def _dcmtk(jobs: int) -> Command:
    return lambda _python, source, out: ["sh", "-c", _EACH, "sh", str(source), str(out), str(jobs)]


def _medip(python: str, source: Path, out: Path) -> list[str]:
    return [str(Path(python).with_name("medip")), "run", "-i", str(source), "-o", str(out)]


def _medip_library(python: str, source: Path, out: Path) -> list[str]:
    loop = "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()): medip.run(path, sys.argv[2])"
    code = f"import sys, medip, pathlib\n{loop}"
    return [python, "-c", code, str(source), str(out)]


def _dicom2jpg(python: str, source: Path, out: Path) -> list[str]:
    code = "import sys, dicom2jpg; dicom2jpg.dicom2png(sys.argv[1], target_root=sys.argv[2])"
    return [python, "-c", code, str(source), str(out)]


PEERS: tuple[Peer, ...] = (
    Peer("plainfilm, 1 job", _plainfilm(1), "plainfilm"),
    Peer("plainfilm, 2 jobs", _plainfilm(2), "plainfilm"),
    Peer("published recipe", _recipe("recipe"), "pydicom"),
    Peer("published recipe, pool of 2", _recipe("recipe", 2), "pydicom"),
    Peer("pydicom + Pillow", _recipe("pillow"), "pillow"),
    Peer("DCMTK dcmj2pnm", _dcmtk(1), tool="dcmj2pnm"),
    Peer("DCMTK dcmj2pnm, xargs -P2", _dcmtk(2), tool="dcmj2pnm"),
    Peer("dicom2jpg, folder", _dicom2jpg, "dicom2jpg"),
    Peer("dicom2jpg, library", _recipe("dicom2jpg"), "dicom2jpg"),
    Peer("medip, folder", _medip, "medip"),
    Peer("medip, library", _medip_library, "medip"),
    Peer("highdicom", _recipe("highdicom"), "highdicom"),
    Peer("dicomsdl", _recipe("dicomsdl"), "dicomsdl"),
    Peer("SimpleITK", _recipe("SimpleITK"), "simpleitk"),
)
# What plainfilm does beyond the full size joins the table when `convert` has the option.
SIZES = (1024, 512)


def sized() -> tuple[Peer, ...]:
    """plainfilm at smaller outputs, where this version has --size."""
    done = subprocess.run(
        [sys.executable, "-m", "plainfilm", "convert", "--help"], capture_output=True, text=True, check=False
    )
    if "--size" not in done.stdout:
        return ()
    return tuple(
        Peer(f"plainfilm, 2 jobs, --size {size}", _plainfilm(2, "--size", str(size)), "plainfilm") for size in SIZES
    )
