# SPDX-License-Identifier: MIT
"""Test that the documents agree with the code: every code and column is explained, and every link has a target.

No file of the project mentions the path of a machine, an issue tracker or a package registry.
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
from plainfilm.output.table_schema import FAILURE_COLUMNS, Column, metadata_columns

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
SHOWN_FILE = re.compile(r"`((?:tests|trials)/[\w./*-]+)`")
MAX_DECISION_LINES = 80

# The character classes prevent these patterns from matching themselves.
FORBIDDEN = {
    "a path of a machine": r"(?<![\w.])/(?:[w]ork/|[r]oot/|home/[a-z]|[U]sers/)|\b[A-Z]:\\\\?[U]sers",
    "an issue or pull request": r"(?<![&\w])#[1-9]\d*\b(?!;)|\b[A-Za-z-]+#[1-9]\d*\b|/(?:issues|pull)/\d|\bG[H]-\d",
    "the host of a package registry": r"[p]ypi\.|[p]ythonhosted\.|[a]naconda\.org|[c]rates\.io|[p]roxy\.golan",
}
# The vertical bar is removed before the search; it prevents the patterns from matching these samples here.
SAMPLES = [
    ("a path of a machine", "in /wo|rk/main"),
    ("a path of a machine", '"/home/|jane/films"'),
    ("a path of a machine", r"C:\Us|ers\jane"),
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
    """Return the codes that have a heading of their own."""
    return re.findall(r"^### `(\w+)`$", _text_of(document), re.MULTILINE)


def _section(document: str, heading: str) -> str:
    """Return the text under a heading of the second level."""
    (section,) = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", _text_of(document), re.MULTILINE | re.DOTALL)
    return str(section)


def _rows(section: str, header: str) -> list[list[str]]:
    """Return the cells of every row of the tables whose first column has this header."""
    tables = re.findall(rf"^\| {header} \|.*\n\|[-|]+\|\n((?:\|.*\n)+)", section, re.MULTILINE)
    return [[cell.strip() for cell in row.strip("|").split(" | ")] for table in tables for row in table.splitlines()]


def _codes(section: str, header: str) -> list[str]:
    """Return the first cell of each of these rows, without the marks around the code."""
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


def test_errors_in_bold_are_public_names_of_the_package() -> None:
    rows = _rows(_section("errors.md", "In Python"), "error")
    bold = {row[0].strip("*`") for row in rows if row[0].startswith("**")}
    assert bold == {name for name in plainfilm.__all__ if name.endswith("Error")}


def _own_reason(kind: type[PlainfilmError]) -> str:
    """Return the reason that a class sets for itself. General classes have none."""
    return kind.default_reason.value if "default_reason" in vars(kind) and kind is not PlainfilmError else ""


def test_every_exit_code_has_one_row() -> None:
    assert _codes(_section("errors.md", "Exit codes"), "code") == ["0", "1", "2", "3", "130", "143"]


@pytest.mark.parametrize(("table", "columns"), [("metadata", metadata_columns()), ("failures", FAILURE_COLUMNS)])
def test_every_column_has_one_row_in_order(table: str, columns: tuple[Column, ...]) -> None:
    assert _codes(_section("tables.md", table), "column") == [column.name for column in columns]


def _files() -> list[Path]:
    """Return every file of the project: tracked files, and new files that are not ignored."""
    if not (ROOT / ".git").exists():
        pytest.skip("this is not a clone of the repository")
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    return [path for name in listing.split("\0") if name and (path := ROOT / name).is_file()]


def _texts() -> Iterator[tuple[Path, str]]:
    """Yield the path and the content of every text file."""
    for path in _files():
        content = path.read_bytes()
        if b"\0" not in content:
            yield path.relative_to(ROOT), content.decode("utf-8")


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_mentions_a_machine_tracker_or_registry(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    mentions = [
        f"{path}:{number}: {line.strip()}"
        for path, text in _texts()
        for number, line in enumerate(text.splitlines(), 1)
        if pattern.search(line)
    ]
    assert not mentions, f"{what} is mentioned in\n" + "\n".join(mentions)


@pytest.mark.parametrize(("what", "sample"), SAMPLES)
def test_the_patterns_match_their_samples(what: str, sample: str) -> None:
    assert re.search(FORBIDDEN[what], sample.replace("|", ""))


@pytest.mark.parametrize("harmless", HARMLESS)
def test_the_patterns_do_not_match_harmless_text(harmless: str) -> None:
    assert not any(re.search(pattern, harmless) for pattern in FORBIDDEN.values())


def _targets(document: Path) -> Iterator[str]:
    """Yield the target of every relative link of a Markdown file, except in code blocks."""
    prose = re.sub(r"^```.*?^```", "", document.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)
    for target in LINK.findall(prose):
        if not re.match(r"[a-z]+:", target):
            yield target


def _anchors(document: Path) -> set[str]:
    """Return the anchors that code hosts make from the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_relative_links_have_a_target() -> None:
    links = [(path, target) for path in _files() if path.suffix == ".md" for target in _targets(path)]
    assert links, "there are no links at all"
    broken = []
    for document, target in links:
        name, _, anchor = target.partition("#")
        destination = document.parent / name if name else document
        if not destination.exists() or (anchor and anchor not in _anchors(destination)):
            broken.append(f"{document.relative_to(ROOT)}: {target}")
    assert not broken, "\n".join(broken)


def test_every_file_that_shows_a_promise_exists() -> None:
    names = SHOWN_FILE.findall(_text_of("promises.md"))
    assert names, "promises.md names no files"
    missing = [name for name in names if not any(ROOT.glob(name))]
    assert not missing, "promises.md names files that do not exist: " + ", ".join(missing)


def _decisions() -> list[Path]:
    return sorted(path for path in (DOCS / "decisions").glob("*.md") if path.name != "README.md")


def test_every_decision_is_in_the_list_of_decisions_once() -> None:
    assert sorted(_targets(DOCS / "decisions" / "README.md")) == [path.name for path in _decisions()]


@pytest.mark.parametrize("page", _decisions(), ids=lambda page: page.stem)
def test_a_decision_is_short_and_links_a_file(page: Path) -> None:
    assert len(page.read_text(encoding="utf-8").splitlines()) <= MAX_DECISION_LINES
    assert any((page.parent / target.partition("#")[0]).is_file() for target in _targets(page)), "links no file"
