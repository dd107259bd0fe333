# SPDX-License-Identifier: MIT
"""Test what shards and merges refuse, and that they can be repeated, interrupted and continued."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.support.engine_runs import convert_locally, convert_share, film, tree_of
from tests.support.outputs import files_of

from plainfilm.cli.main import main
from plainfilm.conversion.merging import Merge
from plainfilm.conversion.verification import verify_output
from plainfilm.errors import LedgerError, OptionsError, OutputLockedError
from plainfilm.ledger import merged_ledger
from plainfilm.options.share import Share, parse_share
from plainfilm.output.folder import FolderOutput
from plainfilm.output.ownership import PrivateNames
from plainfilm.sources.reference import Reference
from plainfilm.sources.selection import ItemSelection
from plainfilm.sources.walk import Listing

Shards = Callable[..., None]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with six films."""
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(6):
        (folder / f"{number}.dcm").write_bytes(film(f"1.2.{number}", f"P{number}", number))
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def convert_shards(folder: Path, out: Path, key_file: Path) -> Shards:
    """Convert shards of two: all, or those with the numbers that are given."""

    def convert(*numbers: int, total: int = 2, **given: object) -> None:
        for number in numbers or range(1, total + 1):
            convert_share([folder], out, {"jobs": 1, "key_file": key_file, **given}, f"{number}/{total}")

    return convert


@pytest.mark.parametrize("text", ["0/4", "5/4", "1", "a/b", "-1/4", "1/0", "1/4/2", ""])
def test_a_shard_that_does_not_exist_is_refused(text: str) -> None:
    with pytest.raises(OptionsError):
        parse_share(text)


def test_every_source_belongs_to_one_share() -> None:
    shares = [Share(number, 7) for number in range(1, 8)]
    names = [f"folder/{number}.dcm" for number in range(700)]
    owners = [[share.number for share in shares if share.has(name)] for name in names]
    assert all(len(owner) == 1 for owner in owners)
    assert all(60 < sum(owner == [share.number] for owner in owners) < 140 for share in shares)


def test_the_share_of_a_source_stays_the_same_in_later_versions() -> None:
    assert [name for name in "abcdefgh" if Share(1, 3).has(name)] == ["f"]


def test_the_listings_of_all_shares_together_are_the_whole_listing(sources: Sequence[Path]) -> None:
    listing = Listing(sources, None)
    whole = sorted((entry.source, getattr(entry, "name", "")) for entry in listing.entries())
    for has_members in (False, True):
        parts = [
            (entry.source, getattr(entry, "name", ""))
            for number in range(1, 5)
            for entry in listing.entries(selection=ItemSelection(Share(number, 4), has_members))
        ]
        assert sorted(parts) == whole


def test_an_archive_belongs_to_one_share_unless_its_members_are_shared_out(sources: Sequence[Path]) -> None:
    def owners(*, has_members: bool) -> set[int]:
        selections = {number: ItemSelection(Share(number, 3), has_members) for number in range(1, 4)}
        listing = Listing([sources[-1]], None)
        return {number for number, selection in selections.items() if list(listing.entries(selection=selection))}

    assert len(owners(has_members=False)) == 1
    assert len(owners(has_members=True)) > 1


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="permissions do not bind this user")
def test_a_folder_that_cannot_be_listed_is_a_failure_of_every_share(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    listing = Listing([tmp_path], None)
    for number in (1, 2, 3):
        (entry,) = listing.entries(selection=ItemSelection(Share(number, 3)))
        assert not isinstance(entry, Reference)


def test_shard_without_a_key_file_and_with_options_that_contradict_it_is_refused(folder: Path, out: Path) -> None:
    assert main(["convert", str(folder), str(out), "--shard", "1/2"]) == 2
    key = ["--key-file", str(folder / "0.dcm")]
    assert main(["convert", str(folder), str(out), "--shard", "1/2", *key, "--prune"]) == 2
    split = ["--split", "a=0.5,b=0.5", "--layout", "webdataset"]
    assert main(["convert", str(folder), str(out), "--shard", "1/2", *key, *split]) == 2
    assert main(["convert", str(folder), str(out), "--shard-members"]) == 2
    assert not out.exists()


@pytest.mark.slow
def test_an_empty_share_is_done_and_writes_no_table(tmp_path: Path, key_file: Path) -> None:
    (tmp_path / "x.dcm").write_bytes(film("1.2.3", "P", 1))
    words = ["convert", str(tmp_path / "x.dcm"), str(tmp_path / "out"), "--key-file", str(key_file), "-j", "1", "-q"]
    assert [main([*words, "--shard", f"{number}/3"]) for number in (1, 2, 3)] == [0, 0, 0]
    assert files_of(tmp_path / "out") == ["x.png"]
    assert main(["merge", str(tmp_path / "out"), "-q"]) == 0
    assert "metadata.csv" in files_of(tmp_path / "out")


@pytest.mark.slow
def test_a_missing_shard_is_named(convert_shards: Shards, out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    convert_shards(1, 3, total=4)
    assert main(["merge", str(out)]) == 3
    assert "shards 2, 4 of 4 are missing" in capsys.readouterr().err
    assert not (out / "metadata.csv").exists()


@pytest.mark.slow
def test_a_shard_that_was_interrupted_is_named_and_resumes(convert_shards: Shards, out: Path) -> None:
    convert_shards()
    path = out / PrivateNames(Share(2, 2)).ledger
    with sqlite3.connect(path) as database:
        (text,) = database.execute("SELECT value FROM meta WHERE name = 'share'").fetchone()
        values = (json.dumps({**json.loads(text), "is_finished": False}),)
        database.execute("UPDATE meta SET value = ? WHERE name = 'share'", values)
    database.close()
    with pytest.raises(LedgerError, match="shard 2 of 2 has not finished"):
        Merge(out).run()
    convert_shards(2)
    assert Merge(out).run().counts.converted == 6


@pytest.mark.slow
def test_an_out_with_shards_is_for_shards_and_the_merge_alone(
    convert_shards: Shards, folder: Path, out: Path, key_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    convert_shards(1)
    given = {"jobs": 1, "key_file": key_file}
    with pytest.raises(LedgerError, match="shards that are not merged"):
        convert_locally([folder], out, given)
    words = {"sheet": ["-o", "a.png"], "link": ["--key-file", str(key_file), "-"], "remove": ["--patient", 32 * "0"]}
    for command in ("verify", "report", *words):
        assert main([command, str(out), *words.get(command, [])]) == 3
        assert "shards that are not merged" in capsys.readouterr().err
    assert main(["convert", str(folder), str(out), "--key-file", str(key_file), "--dry-run"]) == 3
    run = convert_locally([folder], out, {**given, "overwrite": True})
    assert run.counts.converted == 6
    assert not list(out.glob(".plainfilm-shard*"))


@pytest.mark.slow
def test_a_merged_out_behaves_as_that_of_one_run(
    convert_shards: Shards, folder: Path, out: Path, key_file: Path
) -> None:
    convert_shards()
    Merge(out).run()
    tree = tree_of(out)
    assert not verify_output(out).has_differences
    run = convert_locally([folder], out, {"jobs": 1, "key_file": key_file})
    assert "6 files were done before and are as they were" in run.notes
    assert tree_of(out) == tree
    Merge(out).run()
    assert tree_of(out) == tree


@pytest.mark.slow
def test_shards_that_differ_are_refused(convert_shards: Shards, out: Path, tmp_path: Path) -> None:
    other = tmp_path / "other key"
    other.write_bytes(b"another secret of thirty-two bytes")
    for numbers, given, message in (
        ((2,), {"key_file": other}, "the key"),
        ((2,), {"size": 4}, "--size"),
        ((2,), {"where": "modality=DX"}, "--where differs"),
        ((2,), {"shard_members": True}, "--shard-members"),
    ):
        convert_shards(1, overwrite=True)
        convert_shards(*numbers, **given, overwrite=True)
        with pytest.raises(LedgerError, match=message):
            Merge(out).run()
        (out / PrivateNames(Share(2, 2)).ledger).unlink()
    convert_shards(3, total=3)
    with pytest.raises(LedgerError, match="N = 2 and 3"):
        Merge(out).run()


@pytest.mark.slow
@pytest.mark.parametrize("names", ["keep", "uid"])
def test_shards_after_a_merge_do_what_is_new_and_a_second_merge_joins_them(
    names: str, convert_shards: Shards, folder: Path, out: Path, key_file: Path, tmp_path: Path
) -> None:
    convert_shards(names=names)
    Merge(out).run()
    (folder / "0.dcm").write_bytes(film("1.2.0", "P0", 50))
    (folder / "1.dcm").write_text("no film any more")
    for number in range(10, 14):
        (folder / f"{number}.dcm").write_bytes(film(f"1.2.{number % 3}", f"P{number}", number))
    before = (out / "2.png").stat().st_mtime_ns if names == "keep" else 0
    convert_shards(names=names)
    Merge(out).run()
    convert_locally([folder], tmp_path / "whole", {"jobs": 1, "key_file": key_file, "names": names})
    assert tree_of(out) == tree_of(tmp_path / "whole")
    assert names == "uid" or (out / "2.png").stat().st_mtime_ns == before
    # one shard alone may be run again
    (folder / "20.dcm").write_bytes(film("1.2.20", "P20", 20))
    number = 1 if Share(1, 2).has("20.dcm") else 2
    convert_shards(number, names=names)
    assert Merge(out).run().counts.converted == 10


@pytest.mark.slow
def test_a_merge_that_is_interrupted_goes_on(
    convert_shards: Shards, folder: Path, out: Path, key_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(merged_ledger, "_SOURCES_PER_COMMIT", 1)
    monkeypatch.setattr(merged_ledger, "SHARES_PER_GROUP", 1)
    convert_shards(names="uid")
    for _ in range(6):
        merge = Merge(out)
        merge.stop()
        assert merge.run().interrupted
        assert not (out / "metadata.csv").exists()
        with pytest.raises(LedgerError):
            convert_locally([folder], out, {"jobs": 1, "key_file": key_file, "names": "uid"})
    with pytest.raises(LedgerError, match=r"a merge of .* was interrupted"):
        convert_shards(1, names="uid")
    Merge(out).run()
    convert_locally([folder], tmp_path / "whole", {"jobs": 1, "key_file": key_file, "names": "uid"})
    assert tree_of(out) == tree_of(tmp_path / "whole")


@pytest.mark.slow
def test_a_file_of_a_shard_that_is_lost_is_found_before_the_merge(convert_shards: Shards, out: Path) -> None:
    convert_shards()
    (out / "3.png").unlink()
    with pytest.raises(LedgerError, match=r"1 file that shard ./2 has made is not in"):
        Merge(out).run()
    convert_shards()
    assert Merge(out).run().counts.converted == 6


@pytest.mark.slow
def test_names_that_collide_because_files_were_added_between_the_shards_are_refused(
    convert_shards: Shards, folder: Path, out: Path
) -> None:
    # `x` gets the name that x.dcm has, if x.dcm was alone when its shard was run
    (folder / "x.dcm").write_bytes(film("1.2.50", "P50", 50))
    number = 1 if Share(1, 3).has("x.dcm") else 2 if Share(2, 3).has("x.dcm") else 3
    convert_shards(number, total=3)
    (folder / "x").write_bytes(film("1.2.50", "P50", 50))
    assert not Share(number, 3).has("x")
    convert_shards(*{1, 2, 3} - {number}, total=3)
    with pytest.raises(LedgerError, match="images of the same name"):
        Merge(out).run()
    convert_shards(total=3, overwrite=True)
    assert Merge(out).run().counts.converted == 8


def test_a_shard_excludes_merges_and_other_runs_and_itself_but_no_other_shard(tmp_path: Path) -> None:
    whole, first, second = (
        FolderOutput(tmp_path, names=PrivateNames(share)) for share in (None, Share(1, 2), Share(2, 2))
    )
    with first.lock(), second.lock():
        for output in (whole, first):
            with pytest.raises(OutputLockedError), output.lock():
                pass
    with whole.lock(), pytest.raises(OutputLockedError), first.lock():
        pass


def test_a_merge_without_shards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(LedgerError, match="holds no shards"):
        Merge(tmp_path).run()
    assert not list(tmp_path.iterdir()), "nothing is created in a folder that is refused"
