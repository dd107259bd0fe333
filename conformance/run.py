# SPDX-License-Identifier: MIT
"""Compare plainfilm with its peers on real files and a generated matrix, and write docs/conformance.md.

    python -m conformance.run [--matrix N] [--jobs N] [--out FILE]

The real files are those of the folder PLAINFILM_TEST_DATA, or of ../shared/data. DCMTK must be installed. The exit code
is 1 if a disagreement is not explained by a known kind.
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
from conformance.subjects import Subject, generated_subject, rare_subjects, real_subjects, sample_combinations

ROOT = Path(__file__).resolve().parent.parent
MATRIX = 2_400


def judge(subject: Subject | tuple[Any, ...]) -> list[Verdict]:
    """Compare a subject, or the generated subject of a combination, with every peer."""
    warnings.simplefilter("ignore")
    return verdicts(subject if isinstance(subject, Subject) else generated_subject(subject))


def versions() -> list[str]:
    """Return the names and versions of the compared programs."""
    output = subprocess.run(["dcmj2pnm", "--version"], capture_output=True, text=True, check=True).stdout.split()
    dcmtk = next(word for word in output if word.startswith("v3"))
    return [f"plainfilm {plainfilm.__version__}", f"DCMTK {dcmtk[1:]}", f"pydicom {pydicom.__version__}"]


def main() -> int:
    """Compare all subjects and write the page; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--matrix",
        type=int,
        default=MATRIX,
        metavar="N",
        help="combinations of the matrix (default: %(default)s)",
    )
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="number of processes (default: %(default)s)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "conformance.md", metavar="FILE", help="the page")
    arguments = parser.parse_args()
    folder = Path(os.environ.get("PLAINFILM_TEST_DATA", ROOT.parent / "shared" / "data"))
    subjects = [*real_subjects(folder), *rare_subjects(), *sample_combinations(arguments.matrix)]
    with ProcessPoolExecutor(arguments.jobs) as pool:
        results = [verdict for group in pool.map(judge, subjects, chunksize=8) for verdict in group]
    arguments.out.write_text(page(results, versions()), encoding="utf-8")
    return int(any(verdict.unexplained for verdict in results))


if __name__ == "__main__":
    sys.exit(main())
