# SPDX-License-Identifier: MIT
"""The documents keep up with the code: every code and column is explained once, and every link leads somewhere.

And nothing in the project speaks of somebody's machine, of a tracker or of a package registry.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import plainfilm
from plainfilm import errors
from plainfilm.errors import PlainfilmError, Reason, Stage
from plainfilm.findings import FindingCode
from plainfilm.output.tables import COLUMNS, FAILURE_COLUMNS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")

# The character classes keep these patterns from finding themselves.
UNSPOKEN = {
    "a path of somebody's machine": r"(?<![\w.])/(?:[w]ork/|[r]oot/|home/[a-z]|[U]sers/)|\b[A-Z]:\\\\?[U]sers",
    "an issue or pull request": r"(?<![&\w])#[1-9]\d*\b(?!;)|\b[A-Za-z-]+#[1-9]\d*\b|/(?:issues|pull)/\d|\bG[H]-\d",
    "the host of a package registry": r"[p]ypi\.|[p]ythonhosted\.|[a]naconda\.org|[c]rates\.io|[p]roxy\.golan",
}
# The stroke, taken out before they are searched, keeps these samples from being found themselves.
SAMPLES = [
    ("a path of somebody's machine", "in /wo|rk/main"),
    ("a path of somebody's machine", '"/home/|jane/films"'),
    ("a path of somebody's machine", r"C:\Us|ers\jane"),
    ("an issue or pull request", "see #|42"),
    ("an issue or pull request", "charls#|437"),
    ("an issue or pull request", "https://example.org/a/b/issues/|7"),
    ("an issue or pull request", "G|H-355"),
    ("the host of a package registry", "https://py|pi.org/simple"),
    ("the host of a package registry", "files.python|hosted.org"),
]
HARMLESS = ["-1.#IND", "&#39;", "color: #333;", "# 8 bits", "the framework/home/x", "docs/errors.md#stages", "1/2"]


def _text_of(document: str) -> str:
    return (DOCS / document).read_text(encoding="utf-8")


def _headings(document: str) -> list[str]:
    """The codes that have a heading of their own."""
    return re.findall(r"^### `(\w+)`$", _text_of(document), re.MULTILINE)


def _section(document: str, heading: str) -> str:
    """What stands under a heading of the second level."""
    (found,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", _text_of(document), re.MULTILINE | re.DOTALL)
    return str(found)


def _rows(section: str, header: str) -> list[list[str]]:
    """The cells of every row of the tables whose first column has this header."""
    tables = re.findall(rf"^\| {header} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for table in tables for row in table.splitlines()]


def _codes(section: str, header: str) -> list[str]:
    """The first cells of these rows, without the marks around a code."""
    return [row[0].strip("*`") for row in _rows(section, header)]


def test_every_reason_has_one_heading() -> None:
    assert sorted(_headings("errors.md")) == sorted(Reason)


def test_every_finding_has_one_heading() -> None:
    assert sorted(_headings("findings.md")) == sorted(FindingCode)


def test_every_stage_has_one_row() -> None:
    assert _codes(_section("errors.md", "Stages"), "stage") == list(Stage)


def test_every_error_has_one_row_with_its_parent_and_reason() -> None:
    rows = _rows(_section("errors.md", "In Python"), "error")
    shown = {row[0].strip("*`"): (row[1].strip("`"), row[-1].strip("`")) for row in rows}
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PlainfilmError)]
    assert len(rows) == len(shown)
    assert shown == {kind.__name__: (kind.__bases__[0].__name__, _own_reason(kind)) for kind in classes}


def test_errors_in_bold_are_those_that_the_package_itself_names() -> None:
    rows = _rows(_section("errors.md", "In Python"), "error")
    bold = {row[0].strip("*`") for row in rows if row[0].startswith("**")}
    assert bold == {name for name in plainfilm.__all__ if name.endswith("Error")}


def _own_reason(kind: type[PlainfilmError]) -> str:
    """The reason that a class sets for itself; the general ones have none."""
    return kind.default_reason.value if "default_reason" in vars(kind) and kind is not PlainfilmError else ""


def test_every_exit_code_has_one_row() -> None:
    assert _codes(_section("errors.md", "Exit codes"), "code") == ["0", "1", "2", "3", "130", "143"]


@pytest.mark.parametrize(("table", "columns"), [("metadata.csv", COLUMNS), ("failures.csv", FAILURE_COLUMNS)])
def test_every_column_has_one_row_in_its_place(table: str, columns: tuple[str, ...]) -> None:
    assert _codes(_section("tables.md", re.escape(table)), "column") == list(columns)


def _files() -> list[Path]:
    """Every file of the project: what git tracks, and what is new and not ignored."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is no clone of the repository")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for name in listed.split("\0") if name and (path := ROOT / name).is_file()]


def _texts() -> Iterator[tuple[Path, str]]:
    """The files that are text."""
    for path in _files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT), content.decode("utf-8")


@pytest.mark.parametrize("what", UNSPOKEN)
def test_nothing_speaks_of_machine_tracker_or_registry(what: str) -> None:
    pattern = re.compile(UNSPOKEN[what])
    found = [
        f"{path}:{number}: {line.strip()}"
        for path, text in _texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"{what} is spoken of in\n" + "\n".join(found)


@pytest.mark.parametrize(("what", "sample"), SAMPLES)
def test_the_patterns_find_what_they_are_for(what: str, sample: str) -> None:
    assert re.search(UNSPOKEN[what], sample.replace("|", ""))


@pytest.mark.parametrize("harmless", HARMLESS)
def test_the_patterns_leave_other_things_alone(harmless: str) -> None:
    assert not any(re.search(pattern, harmless) for pattern in UNSPOKEN.values())


def _links() -> Iterator[tuple[Path, str]]:
    """Every relative link of every Markdown file."""
    for path in _files():
        if path.suffix == ".md":
            prose = re.sub(r"^```.*?^```", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
            for target in LINK.findall(prose):
                if not re.match(r"[a-z]+:", target):
                    yield path, target


def _anchors(document: Path) -> set[str]:
    """The anchors of a document's headings, as code hosts make them."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_relative_links_lead_somewhere() -> None:
    links = list(_links())
    assert links, "there are no links at all"
    broken = []
    for document, target in links:
        name, _, anchor = target.partition("#")
        aim = document.parent / name if name else document
        if not aim.exists() or (anchor and anchor not in _anchors(aim)):
            broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert not broken, "\n".join(broken)
