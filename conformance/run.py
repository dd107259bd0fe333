# SPDX-License-Identifier: MIT
"""Compares plainfilm with its peers over real films and a generated matrix, and writes docs/conformance.md.

    python -m conformance.run [--matrix N] [--jobs N] [--out FILE]

The real films are those of PLAINFILM_TEST_DATA, else of ../shared/data. Needs DCMTK. Ends with 1 where a disagreement
is left that no known kind explains.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import pydicom

import plainfilm
from conformance.comparison import Verdict, verdicts
from conformance.page import page
from conformance.subjects import Subject, generated, oddities, real_films, some_combinations

ROOT = Path(__file__).resolve().parent.parent
MATRIX = 2_400


def judged(what: Subject | tuple[Any, ...]) -> list[Verdict]:
    """What every peer says of a file, or of the film of a combination."""
    warnings.simplefilter("ignore")
    return verdicts(what if isinstance(what, Subject) else generated(what))


def versions() -> list[str]:
    """What is compared, with its version."""
    said = subprocess.run(["dcmj2pnm", "--version"], capture_output=True, text=True, check=True).stdout.split()
    dcmtk = next(word for word in said if word.startswith("v3"))
    return [f"plainfilm {plainfilm.__version__}", f"DCMTK {dcmtk[1:]}", f"pydicom {pydicom.__version__}"]


def main() -> int:
    """Run everything and write the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", type=int, default=MATRIX, metavar="N", help="combinations (default: %(default)s)")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="processes (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "conformance.md", metavar="FILE")
    given = parser.parse_args()
    folder = Path(os.environ.get("PLAINFILM_TEST_DATA", ROOT.parent / "shared" / "data"))
    subjects = [*real_films(folder), *oddities(), *some_combinations(given.matrix)]
    with ProcessPoolExecutor(given.jobs) as pool:
        found = [verdict for some in pool.map(judged, subjects, chunksize=8) for verdict in some]
    given.out.write_text(page(found, versions()), encoding="utf-8")
    return int(any(verdict.unexplained for verdict in found))


if __name__ == "__main__":
    sys.exit(main())
