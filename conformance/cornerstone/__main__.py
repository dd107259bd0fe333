# SPDX-License-Identifier: MIT
"""Compares plainfilm with cornerstone3D over real files and a generated matrix; writes docs/conformance-cornerstone.md.

    python -m conformance.cornerstone [--matrix N] [--build FOLDER] [--out FILE]

The real files are those of PLAINFILM_TEST_DATA, else of ../shared/data. Needs Node.js with
npm, Chromium (Debian package chromium) and playwright (pip install playwright); without them the command says what is
missing and ends with 0. Ends with 1 if a disagreement is left that no known kind explains.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from conformance.comparison import Verdict, explain_difference, largest_difference
from conformance.cornerstone.browser import PAGE, Cornerstone, build_page, missing_program, open_cornerstone
from conformance.cornerstone.kinds import CORNERSTONE, CORNERSTONE_KINDS
from conformance.kinds import Case
from conformance.renderers import Array, NotShownError, render_with_plainfilm
from conformance.subjects import Subject, generated_subject, rare_subjects, real_subjects, sample_combinations

ROOT = Path(__file__).resolve().parents[2]
VERSION = json.loads((PAGE / "package.json").read_bytes())["dependencies"]["@cornerstonejs/core"]
MATRIX = 200


def judge(subject: Subject, cornerstone: Cornerstone) -> Verdict:
    """Compare the images of plainfilm and of cornerstone3D."""
    verdict = partial(Verdict, subject.name, subject.real, CORNERSTONE)
    try:
        case = Case(subject, render_with_plainfilm(subject))
        rows, columns = case.own.image.shape[:2]
        peer_image = cornerstone.render(subject.content, rows, columns)
    except NotShownError as error:
        return verdict(None, reason=str(error))
    largest = largest_difference(case.own.image, peer_image)
    return verdict(largest, explain(case, peer_image) if largest > 1 else ())


def explain(case: Case, peer_image: Array) -> tuple[str, ...]:
    """Return the fewest known kinds that explain a difference."""
    return explain_difference(CORNERSTONE_KINDS, CORNERSTONE, case, peer_image)


def page(results: Sequence[Verdict], chromium: str) -> str:
    """Return the page: counts, the kinds with their numbers, and what is unexplained or not shown.

    chromium: the version of the browser.
    """
    lines = [
        "# plainfilm beside cornerstone3D",
        "",
        "This page is written by `python -m conformance.cornerstone`. It compares first frames at 8 bits with a stack",
        f"viewport of cornerstone3D {VERSION}, rendered on the CPU in headless Chromium {chromium}, one canvas pixel",
        "for each image pixel. A difference of more than one grey level is explained if both images agree after an",
        'adjustment of plainfilm removes its cause; for kinds marked "no adjustment" the condition alone decides.',
        "",
        "| subjects | compared | within one level | explained | unexplained | not shown |",
        "|---|---|---|---|---|---|",
        *(
            _row(name, [one for one in results if one.real == real])
            for name, real in (("real", True), ("generated", False))
        ),
        "",
        "| kind | real | generated | cornerstone3D | plainfilm | who is right |",
        "|---|---|---|---|---|---|",
    ]
    for kind in CORNERSTONE_KINDS:
        counts = Counter(one.real for one in results if kind.name in one.kinds)
        name = kind.name if kind.adjustment is not None else f"{kind.name} (no adjustment)"
        words = f"{kind.peer_behavior} | {kind.own_behavior} | {kind.assessment}"
        lines.append(f"| {name} | {counts[True]} | {counts[False]} | {words} |")
    for title, rows in (
        ("Unexplained", [f"{one.subject}: {one.largest} levels" for one in results if one.unexplained]),
        ("Not shown", _reasons(results)),
    ):
        if rows:
            lines += ["", f"## {title}", "", *(f"- {row}" for row in rows)]
    return "\n".join([*lines, ""])


def _row(name: str, results: Sequence[Verdict]) -> str:
    shown = [one for one in results if one.largest is not None]
    agreeing = sum(one.largest is not None and one.largest <= 1 for one in shown)
    unexplained = sum(one.unexplained for one in shown)
    counts = (
        len(results),
        len(shown),
        agreeing,
        len(shown) - agreeing - unexplained,
        unexplained,
        len(results) - len(shown),
    )
    return f"| {name}: {counts[0]} | {' | '.join(str(count) for count in counts[1:])} |"


def _reasons(results: Iterable[Verdict]) -> list[str]:
    counts = Counter(one.reason for one in results if one.largest is None)
    return [f"{count}: {reason}" for reason, count in counts.most_common()]


def main() -> int:
    """Compare all subjects and write the page; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--matrix", type=int, default=MATRIX, metavar="N", help="combinations (default: %(default)s)")
    parser.add_argument("--build", type=Path, metavar="FOLDER", help="where the page is built (default: a new folder)")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "conformance-cornerstone.md", metavar="FILE")
    arguments = parser.parse_args()
    missing = missing_program()
    if missing:
        print(f"skipped: {missing}")
        return 0
    warnings.simplefilter("ignore")
    data = Path(os.environ.get("PLAINFILM_TEST_DATA", ROOT.parent / "shared" / "data"))
    generated = (generated_subject(combination) for combination in sample_combinations(arguments.matrix))
    subjects = [*real_subjects(data), *rare_subjects(), *generated]
    with tempfile.TemporaryDirectory() as folder:
        dist = build_page(arguments.build or Path(folder))
        with open_cornerstone(dist) as cornerstone:
            results = [judge(subject, cornerstone) for subject in subjects]
            chromium = cornerstone.chromium
    arguments.out.write_text(page(results, chromium), encoding="utf-8")
    return int(any(result.unexplained for result in results))


if __name__ == "__main__":
    sys.exit(main())
