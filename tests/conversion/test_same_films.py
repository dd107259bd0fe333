# SPDX-License-Identifier: MIT
"""The same films give the same images and tables, whichever kind of SOURCE holds them."""

from __future__ import annotations

import gzip
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.support.archives import write_archive
from tests.support.cases.build import write_case
from tests.support.media import directory_bytes
from tests.support.outputs import images_of
from tests.support.s3_server import BUCKET, S3Server

from plainfilm.api.many_images import iterate, survey
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.dry_run import plan_sources
from plainfilm.conversion.summary import Run
from plainfilm.options.options import Options

pytestmark = pytest.mark.slow
NAMES = ("x.dcm", "X.dcm", "a/x", "a/x.dcm", "a/b/=y.ima", "c/z_f0001.dcm", "c/z.dcm", "ä/ü.dcm")


@dataclass(frozen=True, slots=True)
class Expected:
    """What a run of the folder with some kind of names gives."""

    names: str
    run: Run
    images: list[str]
    tables: dict[str, str]


@pytest.fixture
def films(tmp_path: Path) -> Path:
    return write_films(tmp_path / "films")


@pytest.fixture(scope="module", params=["keep", "hash", "uid"])
def expected(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Expected:
    """A run of the folder itself."""
    films = write_films(tmp_path_factory.mktemp("expected") / "films")
    run = convert(films, films, "out", names=request.param)
    assert run.converted == len(NAMES) + 1
    return Expected(request.param, run, images_of(films.parent / "out"), tables(films, "out"))


def write_films(folder: Path) -> Path:
    for number, name in enumerate(NAMES):
        write_case(folder / name, rows=16, columns=16 + number)
    (folder / "c/packed.dcm.gz").write_bytes(gzip.compress((folder / "x.dcm").read_bytes()))
    (folder / "a/note.txt").write_text("no film")
    (folder / "a/bad.dcm").write_text("no film either")
    (folder / "cut.dcm").write_bytes((folder / "x.dcm").read_bytes()[:200])
    (folder.parent / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    return folder


def members(films: Path) -> dict[str, bytes]:
    """The contents of the films, in an order that is not that of their names."""
    files = sorted((path for path in films.rglob("*") if path.is_file()), key=lambda path: path.name[::-1])
    return {path.relative_to(films).as_posix(): path.read_bytes() for path in files}


def packed(suffix: str) -> Callable[[Path], str]:
    return lambda films: str(write_archive(films.parent / f"packed{suffix}", members(films)))


def listed(films: Path) -> str:
    path = films.parent / "list.txt"
    path.write_text("# films\r\n" + "\r\n".join(str(films / name) for name in members(films)))
    return f"@{path}"


def in_table(films: Path) -> str:
    path = films.parent / "list.csv"
    path.write_text("id,film\n" + "".join(f'1,"{films / name}"\n' for name in members(films)))
    return str(path)


KINDS: dict[str, Callable[[Path], str]] = {
    "list": listed,
    "table": in_table,
    "zip": packed(".zip"),
    "tar": packed(".tar"),
    "tar.gz": packed(".tar.gz"),
    "tar.xz": packed(".tar.xz"),
}


def convert(source: str | Path, films: Path, out: str, **options: object) -> Run:
    given = {"jobs": 1, "key_file": films.parent / "key", "source_column": "film", **options}
    return Conversion([source], films.parent / out, Options.of(given)).run()


def tables(films: Path, out: str) -> dict[str, str]:
    return {name: (films.parent / out / f"{name}.csv").read_text() for name in ("metadata", "failures")}


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_of_source_gives_the_images_and_tables_of_the_folder(
    films: Path, kind: str, expected: Expected
) -> None:
    run = convert(KINDS[kind](films), films, "out", names=expected.names)
    assert run.counts == expected.run.counts
    assert images_of(films.parent / "out") == expected.images
    assert tables(films, "out") == expected.tables


@pytest.fixture
def medium(films: Path) -> Path:
    """The films as a medium, whose DICOMDIR names most of them in another order than that of their names."""
    folder = shutil.copytree(films, films.parent / "medium")
    named = [tuple(name.upper().split("/")) for name in sorted(NAMES[3:], reverse=True)]
    (folder / "DICOMDIR").write_bytes(directory_bytes(named))
    return folder


@pytest.mark.parametrize("names", ["keep", "hash", "uid"])
def test_a_medium_gives_the_images_and_tables_of_the_folder(films: Path, medium: Path, names: str) -> None:
    expected, run = convert(films, films, "expected", names=names), convert(medium, films, "out", names=names)
    assert (run.converted, run.failed, run.skipped) == (expected.converted, expected.failed, expected.skipped + 1)
    assert images_of(films.parent / "out") == images_of(films.parent / "expected")
    rows = [row for row in tables(films, "out")["failures"].splitlines() if "no_pixel_data" not in row]
    assert rows == tables(films, "expected")["failures"].splitlines()
    assert tables(films, "out")["metadata"] == tables(films, "expected")["metadata"]


def test_arrays_surveys_and_dry_runs_of_a_medium_are_those_of_the_folder(films: Path, medium: Path) -> None:
    sources = [record.source for record, image in iterate(medium, jobs=2) if image is not None]
    assert sorted(sources) == sorted(record.source for record, image in iterate(films, jobs=2) if image is not None)
    planned = [item.source for item in plan_sources([str(medium)], films.parent / "o", Options())]
    assert [source for source in planned if source in sources] == sources, "all have the order of the DICOMDIR"
    assert survey(medium, jobs=1).counts.files == len(planned) == len(members(medium))


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_an_archive_that_has_not_changed_is_not_converted_again(films: Path, kind: str) -> None:
    source = Path(KINDS[kind](films))
    first = convert(source, films, "out")
    before = images_of(films.parent / "out")
    again = convert(source, films, "out")
    assert again.counts == first.counts
    count = len(members(films))
    assert any(note.startswith(f"{count} file") and "done before" in note for note in again.notes)
    status = source.stat()
    os.utime(source, ns=(status.st_atime_ns, status.st_mtime_ns + 10**9))
    changed = convert(source, films, "out")
    assert any("changed since" in note for note in changed.notes)
    assert images_of(films.parent / "out") == before


def test_another_archive_of_the_same_members_replaces_no_image(films: Path) -> None:
    first, second = films.parent / "1.zip", films.parent / "2.zip"
    film = (films / "x.dcm").read_bytes()
    convert(write_archive(first, {"x.dcm": film}), films, "out")
    convert(write_archive(second, {"x.dcm": (films / "a/x").read_bytes()}), films, "out")
    assert len(images_of(films.parent / "out")) == 2


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
def test_arrays_and_surveys_are_the_same(films: Path, kind: str) -> None:
    source = KINDS[kind](films)
    expected = {record.source: image for record, image in iterate(films, jobs=1) if image is not None}
    images = {record.source: image for record, image in iterate(source, jobs=1) if image is not None}
    assert images.keys() == expected.keys()
    assert all((images[name] == image).all() for name, image in expected.items())
    counts = survey(source, jobs=1).counts
    assert (counts.files, counts.images) == (len(members(films)), len(expected))


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_a_dry_run_lists_the_members(films: Path, kind: str) -> None:
    planned = {item.source: item.action for item in plan_sources([KINDS[kind](films)], films.parent / "o", Options())}
    assert planned["x.dcm"] == "convert"
    assert planned["a/note.txt"] == "not_dicom"
    assert planned.keys() == {name.replace("=", "_") for name in members(films)}


def test_nothing_is_written_beside_out_and_the_archive_stays_as_it_is(films: Path) -> None:
    source = Path(packed(".tar.gz")(films))
    shutil.rmtree(films)
    before, status = source.read_bytes(), source.stat()
    convert(source, films, "out")
    assert source.read_bytes() == before
    assert source.stat().st_mtime_ns == status.st_mtime_ns
    assert {path.name for path in films.parent.iterdir()} == {"key", "out", source.name}


def test_a_list_on_standard_input_is_converted(films: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = "\0".join(str(films / name) for name in members(films))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(names.encode())))
    run = convert("-", films, "out", null=True)
    assert run.converted == len(NAMES) + 1


def in_bucket(server: S3Server, films: Path) -> str:
    server.put({f"some/films/{name}": content for name, content in members(films).items()} | {"some/films/": b""})
    return f"s3://{BUCKET}/some/films"


def in_packed(suffix: str) -> Callable[[S3Server, Path], str]:
    def put(server: S3Server, films: Path) -> str:
        server.put({f"packed{suffix}": Path(packed(suffix)(films)).read_bytes()})
        return f"s3://{BUCKET}/packed{suffix}"

    return put


def in_listed_objects(server: S3Server, films: Path) -> str:
    folder = in_bucket(server, films)
    path = films.parent / "list.txt"
    path.write_text("\n".join(f"{folder}/{name}" for name in members(films)))
    return f"@{path}"


def in_memory(films: Path) -> str:
    import fsspec

    store = fsspec.filesystem("memory")
    for name, content in members(films).items():
        store.pipe_file(f"/{films.parent.name}/{name}", content)
    return f"memory://{films.parent.name}"


OBJECT_KINDS: dict[str, Callable[[S3Server, Path], str]] = {
    "objects": in_bucket,
    "list": in_listed_objects,
    "zip": in_packed(".zip"),
    "tar": in_packed(".tar"),
    "tar.gz": in_packed(".tar.gz"),
}


@pytest.mark.parametrize("names", ["keep", "hash"])
@pytest.mark.parametrize("kind", OBJECT_KINDS)
def test_each_kind_of_remote_source_gives_the_images_and_tables_of_the_folder(
    films: Path, s3_server: S3Server, kind: str, names: str
) -> None:
    expected = convert(films, films, "expected", names=names)
    run = convert(OBJECT_KINDS[kind](s3_server, films), films, "out", names=names)
    assert run.counts == expected.counts
    assert images_of(films.parent / "out") == images_of(films.parent / "expected")
    assert tables(films, "out") == tables(films, "expected")


def test_files_in_the_memory_of_this_process_give_the_images_and_tables_of_the_folder(films: Path) -> None:
    pytest.importorskip("fsspec")
    expected = convert(films, films, "expected")
    run = convert(in_memory(films), films, "out")
    assert run.counts == expected.counts
    assert images_of(films.parent / "out") == images_of(films.parent / "expected")
    assert tables(films, "out") == tables(films, "expected")


def test_a_real_cd_gives_the_same_as_a_folder_and_in_archives(film_folder: Path, films: Path) -> None:
    tests = film_folder / "pydicom+pydicom/src/pydicom/data/test_files/dicomdirtests"
    medium, folder = films.parent / "cd", films.parent / "folder"
    for name in ("77654033", "98892001", "98892003"):
        shutil.copytree(tests / name, medium / name)
        shutil.copytree(tests / name, folder / name)
    shutil.copy(tests / "DICOMDIR", medium)
    expected = convert(folder, films, "expected")
    assert (expected.converted, expected.failed) == (31, 0)
    content = {path.relative_to(medium).as_posix(): path.read_bytes() for path in medium.rglob("*") if path.is_file()}
    sources = {"cd": medium, **{s: write_archive(films.parent / f"cd{s}", content) for s in (".zip", ".tar.gz")}}
    for name, source in sources.items():
        run = convert(source, films, f"out-{name}")
        assert (run.converted, run.failed, run.skipped) == (31, 0, 1)
        assert images_of(films.parent / f"out-{name}") == images_of(films.parent / "expected")
        assert tables(films, f"out-{name}")["metadata"] == tables(films, "expected")["metadata"]
