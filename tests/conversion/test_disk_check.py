# SPDX-License-Identifier: MIT
"""The disk outranks the ledger: images that were deleted, cut or replaced are made again, and no others."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.conversion.test_overlay_files import overlaid
from tests.conversion.test_resuming import tree
from tests.ledger.test_damaged import FINGERPRINT, record
from tests.support.cases.build import case_file
from tests.support.memory import call_within

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.disk_check import LostImages, forget_lost_images
from plainfilm.conversion.dry_run import dry_run
from plainfilm.conversion.summary import Run
from plainfilm.errors import LedgerError
from plainfilm.ledger.fingerprint import RunFingerprint
from plainfilm.ledger.ledger import Ledger, open_ledger
from plainfilm.ledger.remaining_work import FileStat
from plainfilm.options.options import Options
from plainfilm.output.tables import read_table

pytestmark = pytest.mark.slow

Converts = Callable[..., Run]


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def convert(tmp_path: Path, out: Path) -> Converts:
    """Convert three radiographs and a cine of three frames into OUT; the first call is done here."""
    folder = tmp_path / "in"
    (folder / "b").mkdir(parents=True)
    for number in range(3):
        (folder / f"{number}.dcm").write_bytes(case_file(seed=number))
    (folder / "b" / "cine.dcm").write_bytes(case_file(frames=3, content="gradient"))
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")

    def run(target: Path = out, **options: Any) -> Run:
        given = {"jobs": 1, "key_file": tmp_path / "key", **options}
        return Conversion([folder], target, Options.of(given)).run()

    run()
    return run


@pytest.fixture
def whole(convert: Converts, out: Path) -> dict[str, bytes]:
    assert convert, "it has been called"
    return tree(out)


def times(out: Path) -> dict[str, int]:
    return {path.relative_to(out).as_posix(): path.stat().st_mtime_ns for path in out.rglob("*.png")}


def delete(path: Path) -> None:
    path.unlink()


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-10])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def replace(path: Path) -> None:
    """Other bytes of the same number."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    os.utime(path, ns=(1, 1))


def replace_by_link(path: Path) -> None:
    twin = path.with_name("twin")
    path.rename(twin)
    path.symlink_to(twin)


@pytest.mark.parametrize(
    ("lose", "names"),
    [
        (delete, ["1.png"]),
        (cut, ["0.png", "b/cine_f0002.png"]),
        (empty, ["0.png", "b/cine_f0002.png"]),
        (replace, ["1.png"]),
    ],
)
def test_a_lost_image_is_made_again_and_no_other(
    lose: Callable[[Path], None], names: list[str], convert: Converts, whole: dict[str, bytes], out: Path
) -> None:
    before = times(out)
    for name in names:
        lose(out / name)
    run = convert()
    assert tree(out) == whole
    assert run.exit_code == 0
    assert [note for note in run.notes if note.startswith(f"{len(names)} image") and "cut or replaced" in note]
    unharmed = {name for name in before if name not in names and not (len(names) > 1 and name.startswith("b/"))}
    now = times(out)
    assert {name: now[name] for name in unharmed} == {name: before[name] for name in unharmed}
    assert not [note for note in convert().notes if "OUT" in note], "the next run finds nothing"


def test_a_link_in_the_place_of_an_image_is_replaced(convert: Converts, whole: dict[str, bytes], out: Path) -> None:
    replace_by_link(out / "1.png")
    convert()
    (out / "twin").unlink()
    assert tree(out) == whole
    assert not (out / "1.png").is_symlink()


def test_an_out_that_was_restored_with_other_times_is_not_made_anew(
    convert: Converts, whole: dict[str, bytes], out: Path, tmp_path: Path
) -> None:
    restored = tmp_path / "restored"
    shutil.copytree(out, restored, copy_function=shutil.copyfile)
    before = times(restored)
    run = convert(restored)
    assert tree(restored) == whole
    assert times(restored) == before
    assert not [note for note in run.notes if "OUT" in note]
    with open_ledger(restored / ".plainfilm", ledger_fingerprint(restored)) as ledger:
        recorded = {file.file_name: file.file_stat.mtime_ns for page in ledger.files.pages() for file in page}
    assert recorded == before, "the next run reads no image"


def ledger_fingerprint(out: Path) -> RunFingerprint:
    with closing(sqlite3.connect(out / ".plainfilm")) as connection:
        (text,) = connection.execute("SELECT value FROM meta WHERE name = 'identity'").fetchone()
    return RunFingerprint.from_json(text)


def test_a_ledger_that_was_copied_to_an_empty_out_is_noted_and_everything_is_made_again(
    convert: Converts, whole: dict[str, bytes], out: Path, tmp_path: Path
) -> None:
    copied = tmp_path / "copied"
    copied.mkdir()
    shutil.copyfile(out / ".plainfilm", copied / ".plainfilm")
    run = convert(copied)
    assert tree(copied) == whole
    assert [note for note in run.notes if note.startswith("OUT held none of the 6 images of its ledger")]


def test_a_lost_image_whose_source_is_gone_loses_its_row(convert: Converts, out: Path, tmp_path: Path) -> None:
    (tmp_path / "in" / "1.dcm").unlink()
    convert()
    assert "1.png" in [row["file_name"] for row in read_table(out / "metadata.csv")]
    (out / "1.png").unlink()
    run = convert()
    assert "1.png" not in [row["file_name"] for row in read_table(out / "metadata.csv")]
    assert run.converted == 5


def test_a_lost_image_of_an_overlay_is_made_again(convert: Converts, tmp_path: Path) -> None:
    (tmp_path / "in" / "0.dcm").write_bytes(overlaid())
    target = tmp_path / "masks"
    convert(target, overlays="mask")
    whole = tree(target)
    (mask, *_) = (target / "__overlays").rglob("*.png")
    for lose in (delete, cut, replace):
        lose(mask)
        assert [note for note in convert(target, overlays="mask").notes if note.startswith("1 image in OUT")]
        assert tree(target) == whole


@pytest.mark.parametrize("names", ["hash", "uid"])
def test_other_names_are_checked_too(names: str, convert: Converts, tmp_path: Path) -> None:
    target = tmp_path / names
    convert(target, names=names)
    whole = tree(target)
    next(target.rglob("*.png")).unlink()
    assert [note for note in convert(target, names=names).notes if "deleted, cut or replaced" in note]
    assert tree(target) == whole


@pytest.mark.usefixtures("convert")
def test_a_dry_run_lists_a_lost_image(out: Path, tmp_path: Path) -> None:
    options = Options.of({"key_file": tmp_path / "key"})
    assert all(is_done for _, is_done in dry_run([str(tmp_path / "in")], out, options))
    cut(out / "1.png")
    remaining = [entry.source for entry, is_done in dry_run([str(tmp_path / "in")], out, options) if not is_done]
    assert remaining == ["1.dcm"]


@pytest.fixture
def ledger(out: Path) -> Iterator[Ledger]:
    out.mkdir(parents=True)
    with open_ledger(out / ".plainfilm", FINGERPRINT) as ledger:
        yield ledger


def add_images(ledger: Ledger, number: int, out: Path) -> None:
    (out / "x.png").write_bytes(b"x")
    file_stat = FileStat.of_output(out / "x.png")
    for at in range(number):
        name = f"{at:06}.png"
        os.link(out / "x.png", out / name)
        ledger.add_images([record(source=name, file_name=name, findings="f" * 500)], {name: file_stat})
    ledger.commit()


def test_memory_does_not_grow_with_the_images(ledger: Ledger, out: Path) -> None:
    add_images(ledger, 10_000, out)
    # the rows of all images together take more than 20 MB
    result = call_within(2 * 1024**2, lambda: forget_lost_images(out, ledger, lambda _: None, lambda: False))
    assert result == LostImages(0, has_others=True)


def test_a_stopped_run_checks_no_more(ledger: Ledger, out: Path) -> None:
    ledger.add_images([record()])
    assert forget_lost_images(out, ledger, lambda _: None, lambda: True) == LostImages()
    assert ledger.counts.total() == 1


def test_an_image_outside_of_out_is_never_read(ledger: Ledger, out: Path, tmp_path: Path) -> None:
    ledger.add_images([record(file_name="../victim.png")])
    (tmp_path / "victim.png").write_bytes(b"")
    with pytest.raises(LedgerError, match="damaged"):
        forget_lost_images(out, ledger, lambda _: None, lambda: False)
    assert (tmp_path / "victim.png").exists()
