# SPDX-License-Identifier: MIT
"""`--exclude` leaves the sources of a list out, also those that an earlier run has converted."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cases.build import write_case
from tests.support.outputs import images_of, rows_of

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.dry_run import dry_run
from plainfilm.conversion.summary import Run
from plainfilm.errors import OptionsError
from plainfilm.options.options import Options
from plainfilm.records import Failure

pytestmark = pytest.mark.slow


@pytest.fixture
def films(tmp_path: Path) -> Path:
    for number, name in enumerate(("x.dcm", "=y.dcm", "sub/z.dcm")):
        write_case(tmp_path / "films" / name, rows=16, columns=16 + number)
    return tmp_path / "films"


def convert(films: Path, **options: object) -> Run:
    (films.parent / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    given = Options.of({"jobs": 1, "key_file": films.parent / "key", **options})
    return Conversion([films], films.parent / "out", given).run()


def marks(films: Path, *sources: str) -> Path:
    path = films.parent / "marks.csv"
    path.write_text("".join(f"{line}\n" for line in ("note,source", *(f"blurred,{source}" for source in sources))))
    return path


def skipped(films: Path) -> dict[str, str]:
    return {row["source"]: f"{row['status']}: {row['reason']}" for row in rows_of(films.parent / "out", "failures")}


def test_sources_of_the_list_are_skipped_and_unmatched_rows_are_noted(films: Path) -> None:
    run = convert(films, exclude=marks(films, "x.dcm", "nowhere.dcm", "'_y.dcm"))
    assert skipped(films) == {"x.dcm": "skipped: excluded"}
    assert len(images_of(films.parent / "out")) == 2
    assert (run.converted, run.skipped, run.exit_code) == (2, 1, 0)
    assert any(note.startswith("2 rows of --exclude name no source of this run (lines 3, 4)") for note in run.notes)


@pytest.mark.parametrize("names", ["keep", "hash"])
def test_a_source_is_excluded_after_it_was_converted_and_comes_back(names: str, films: Path) -> None:
    convert(films, names=names)
    out = films.parent / "out"
    before = images_of(out)
    source = next(row["source"] for row in rows_of(out) if row["columns"] == "18")
    run = convert(films, names=names, exclude=marks(films, source))
    assert (run.converted, run.skipped) == (2, 1)
    assert skipped(films) == {source: "skipped: excluded"}
    assert len(images_of(out)) == len(rows_of(out)) == 2
    again = convert(films, names=names, exclude=marks(films, source))
    assert (again.converted, again.skipped) == (2, 1)
    convert(films, names=names)
    assert images_of(out) == before
    assert skipped(films) == {}


def test_the_dry_run_shows_what_is_excluded(films: Path) -> None:
    options = Options.of({"exclude": marks(films, "sub/z.dcm")})
    entries = [entry for entry, _ in dry_run([str(films)], films.parent / "out", options)]
    assert [entry.source for entry in entries if isinstance(entry, Failure)] == ["sub/z.dcm"]


@pytest.mark.parametrize(("content", "said"), [("file\nx.dcm\n", "no column source"), (None, "cannot be read")])
def test_a_list_that_cannot_be_used_is_refused_before_the_run(content: str | None, said: str, films: Path) -> None:
    if content is not None:
        (films.parent / "list.csv").write_text(content)
    with pytest.raises(OptionsError, match=f"--exclude: .*{said}"):
        convert(films, exclude=films.parent / "list.csv")
    assert not (films.parent / "out").exists()
