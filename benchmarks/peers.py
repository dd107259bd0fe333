# SPDX-License-Identifier: MIT
"""The programs that are measured: for each one its command, its version and its requirements."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

HERE = Path(__file__).resolve().parent
Command = Callable[[str, Path, Path, int | None], list[str]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A program to measure.

    command: function of (Python of the peers, IN, OUT, size) that returns the command. package, tool: a package of that
    Python, or a system tool, that must be installed. part: the program converts 1/part of the files, because it is
    slow; all times are per image. makes_smaller: whether it can reduce the size of the output.
    """

    name: str
    command: Command
    package: str = ""
    tool: str = ""
    part: int = 1
    makes_smaller: bool = False

    @property
    def is_plainfilm(self) -> bool:
        """Whether the program is plainfilm itself."""
        return self.package == "plainfilm"

    def version(self, python: str) -> str:
        """Return the installed version, or '' where it is not installed."""
        if self.tool:
            return _first_line([self.tool, "--version"]) if shutil.which(self.tool) else ""
        ask = f"from importlib.metadata import version; print(version({self.package!r}))"
        return _first_line([python, "-c", ask])


def _first_line(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    return lines[0].strip("$ ") if done.returncode == 0 and lines else ""


def _plainfilm(jobs: int, *options: str) -> Command:
    def command(_python: str, source: Path, out: Path, size: int | None) -> list[str]:
        arguments = [*options, *([] if size is None else ["--size", str(size)])]
        command_line = [sys.executable, "-m", "plainfilm", "convert", str(source), str(out)]
        return [*command_line, "--jobs", str(jobs), "--progress", "none", *arguments]

    return command


def _recipe(peer: str, jobs: int = 1) -> Command:
    def command(python: str, source: Path, out: Path, size: int | None) -> list[str]:
        size_argument = [] if size is None else [str(size)]
        return [python, str(HERE / "recipe.py"), peer, str(source), str(out), str(jobs), *size_argument]

    return command


_EACH = """mkdir -p "$2"; export OUT="$2"; find "$1" -type f -print0 | xargs -0 -n 1 -P "$3" sh -c \
'dcmj2pnm +on +Fa -O +Wi 1 "$1" "$OUT/$(basename "$1")"' sh"""


def _dcmtk(jobs: int) -> Command:
    return lambda _python, source, out, _size: ["sh", "-c", _EACH, "sh", str(source), str(out), str(jobs)]


def _orthanc(_python: str, source: Path, out: Path, _size: int | None) -> list[str]:
    return [sys.executable, str(HERE / "orthanc.py"), str(source), str(out), "2"]


def _medip(python: str, source: Path, out: Path, _size: int | None) -> list[str]:
    return [str(Path(python).with_name("medip")), "run", "-i", str(source), "-o", str(out)]


def _medip_library(python: str, source: Path, out: Path, _size: int | None) -> list[str]:
    loop = "for path in sorted(pathlib.Path(sys.argv[1]).iterdir()): medip.run(path, sys.argv[2])"
    code = f"import sys, medip, pathlib\n{loop}"
    return [python, "-c", code, str(source), str(out)]


def _dicom2jpg(python: str, source: Path, out: Path, _size: int | None) -> list[str]:
    code = "import sys, dicom2jpg; dicom2jpg.dicom2png(sys.argv[1], target_root=sys.argv[2])"
    return [python, "-c", code, str(source), str(out)]


FEWER = 6
ONE, TWO, REDUCED = "plainfilm, 1 job", "plainfilm, 2 jobs", "plainfilm, 2 jobs, --decode reduced"
POOL, XARGS = "published recipe, pool of 2", "DCMTK dcmj2pnm, xargs -P2"
PEERS: tuple[Peer, ...] = (
    Peer(ONE, _plainfilm(1), "plainfilm", makes_smaller=True),
    Peer(TWO, _plainfilm(2), "plainfilm", makes_smaller=True),
    Peer(REDUCED, _plainfilm(2, "--decode", "reduced"), "plainfilm", makes_smaller=True),
    Peer("published recipe", _recipe("recipe"), "pydicom", part=8, makes_smaller=True),
    Peer(POOL, _recipe("recipe", 2), "pydicom", makes_smaller=True),
    Peer("pydicom + Pillow", _recipe("pillow"), "pillow", part=16),
    Peer("DCMTK dcmj2pnm", _dcmtk(1), tool="dcmj2pnm", part=16),
    Peer(XARGS, _dcmtk(2), tool="dcmj2pnm", part=8),
    Peer("Orthanc /rendered, 2 at a time", _orthanc, tool="Orthanc", part=16),
    Peer("dicom2jpg, folder", _dicom2jpg, "dicom2jpg", part=4),
    Peer("dicom2jpg, library", _recipe("dicom2jpg"), "dicom2jpg", part=8),
    Peer("medip, folder", _medip, "medip", part=4),
    Peer("medip, library", _medip_library, "medip", part=8),
    Peer("highdicom", _recipe("highdicom"), "highdicom", part=8),
    Peer("dicomsdl", _recipe("dicomsdl"), "dicomsdl", part=8),
    Peer("SimpleITK", _recipe("SimpleITK"), "simpleitk", part=8),
)


def peers_for(syntax: str, size: int | None) -> list[Peer]:
    """Return the programs that can process a workload.

    Few encodings have lower resolutions, and not all programs can reduce the size. `--decode reduced` is so fast that
    it needs many files for a small share of start-up; all other programs get fewer files of such a workload.
    """
    has_levels = syntax in ("jpeg2000", "htj2k")
    able = [peer for peer in PEERS if size is None or peer.makes_smaller]
    if not has_levels:
        return [peer for peer in able if peer.name != REDUCED]
    return [
        peer if peer.name == REDUCED else replace(peer, part=FEWER * peer.part)
        for peer in able
        if size is not None or peer.name != REDUCED
    ]
