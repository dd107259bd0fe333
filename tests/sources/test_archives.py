# SPDX-License-Identifier: MIT
"""The members of archives are listed as files of folders, read where they lie, and hostile ones become rows."""

from __future__ import annotations

import gzip
import io
import tarfile
import warnings
import zipfile
from pathlib import Path

import pytest
from tests.support.archives import tar_bytes, with_flag, with_method, write_archive, zip_bytes

from plainfilm.errors import ConversionError, Reason
from plainfilm.records import Failure, Status
from plainfilm.sources import archive_limits
from plainfilm.sources.member_reader import open_reference
from plainfilm.sources.reference import Reference
from plainfilm.sources.walk import iterate_references

SUFFIXES = [".zip", ".tar", ".tar.gz", ".tar.bz2", ".tar.xz", ".tar.zst"]
MEMBERS = {"a/x.dcm": b"first", "a/b/y": b"second", "z.dcm": b"third", "a/x": b"fourth", "empty.dcm": b""}


def listed(*sources: Path) -> tuple[dict[str, bytes], dict[str, tuple[Status, Reason]]]:
    """The contents and the failures of all sources, by source."""
    contents, failures = {}, {}
    for entry in iterate_references(sources, None, with_content=True):
        assert entry.source not in contents.keys() | failures.keys()
        if isinstance(entry, Failure):
            assert entry.message
            failures[entry.source] = entry.status, entry.reason
            continue
        try:
            with open_reference(entry) as content:
                contents[entry.source] = bytes(content[0 : len(content)])
        except ConversionError as error:
            failures[entry.source] = Status.FAILED, error.reason
    return contents, failures


def names_of(*sources: Path) -> dict[str, str]:
    entries = iterate_references(sources, None, with_content=True)
    return {entry.source: entry.name for entry in entries if isinstance(entry, Reference)}


FAILED_VALUE = (Status.FAILED, Reason.UNSUPPORTED_VALUE)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_an_archive_as_the_only_source_is_like_a_folder(tmp_path: Path, suffix: str) -> None:
    if suffix == ".tar.zst":
        pytest.importorskip("zstandard")
    archive = write_archive(tmp_path / f"films{suffix}", MEMBERS)
    contents, failures = listed(archive)
    assert contents == MEMBERS
    assert failures == {}
    assert names_of(archive)["a/x.dcm"] == "a/x.dcm"
    assert names_of(archive)["z.dcm"] == "z"


@pytest.mark.parametrize("suffix", SUFFIXES[:3])
def test_an_archive_in_a_folder_is_a_folder_of_its_name(tmp_path: Path, suffix: str) -> None:
    (tmp_path / "in").mkdir()
    write_archive(tmp_path / f"in/films{suffix}", {"s/x.dcm": b"1"})
    (tmp_path / "in/y.dcm").write_bytes(b"2")
    assert names_of(tmp_path / "in") == {"y.dcm": "y", f"films{suffix}/s/x.dcm": f"films{suffix}/s/x"}
    assert listed(tmp_path / "in")[0] == {"y.dcm": b"2", f"films{suffix}/s/x.dcm": b"1"}


def test_several_archives_are_prefixed_by_their_names_and_count_once(tmp_path: Path) -> None:
    first = write_archive(tmp_path / "a.zip", {"x.dcm": b"1"})
    second = write_archive(tmp_path / "b.tar.gz", {"x.dcm": b"2"})
    assert listed(first, second, first)[0] == {"a.zip/x.dcm": b"1", "b.tar.gz/x.dcm": b"2"}
    assert listed(tmp_path, second)[0] == {"a.zip/x.dcm": b"1", "b.tar.gz/x.dcm": b"2"}


def test_a_file_that_only_has_the_suffix_of_an_archive_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "x.zip").write_bytes(b"no archive")
    assert listed(tmp_path)[0] == {"x.zip": b"no archive"}


def test_gzip_members_and_archives_in_archives_are_read_once_deep(tmp_path: Path) -> None:
    film = bytes(128) + b"DICM\x02\x00\x00\x00UL\x04\x00\0\0\0\0"
    inner = zip_bytes({"x.dcm": b"1"})
    deep = zip_bytes({"inner.zip": inner, "y": b"2"})
    members = {"g.dcm.gz": gzip.compress(film), "inner.zip": inner, "t.tar.gz": tar_bytes({"q": b"3"}, "w:gz")}
    for suffix in (".zip", ".tar", ".tar.gz"):
        archive = write_archive(tmp_path / f"films{suffix}", {**members, "deep.zip": deep})
        contents, failures = listed(archive)
        assert contents == {"g.dcm.gz": film, "inner.zip/x.dcm": b"1", "t.tar.gz/q": b"3", "deep.zip/y": b"2"}
        assert failures == {"deep.zip/inner.zip": (Status.FAILED, Reason.TOO_DEEP)}


@pytest.mark.parametrize("name", ["../x.dcm", "/etc/x.dcm", "a/../../x.dcm", "C:\\x.dcm", "..\\x.dcm"])
def test_a_member_whose_name_leads_out_of_the_archive_fails(tmp_path: Path, name: str) -> None:
    for suffix in (".zip", ".tar", ".tar.gz"):
        archive = write_archive(tmp_path / f"films{suffix}", {name: b"1", "x.dcm": b"2"})
        contents, failures = listed(archive)
        assert contents == {"x.dcm": b"2"}
        assert list(failures.values()) == [FAILED_VALUE]
        assert all("/" not in source for source in failures)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
def test_links_and_devices_in_a_tar_file_are_skipped(tmp_path: Path, mode: str) -> None:
    buffer = io.BytesIO()
    kinds = {"hard": tarfile.LNKTYPE, "soft": tarfile.SYMTYPE, "device": tarfile.CHRTYPE, "pipe": tarfile.FIFOTYPE}
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, kind in kinds.items():
            header = tarfile.TarInfo(name)
            header.type, header.linkname = kind, "/etc/passwd"
            archive.addfile(header)
    path = tmp_path / ("x.tar" if mode == "w" else "x.tar.gz")
    path.write_bytes(buffer.getvalue())
    assert listed(path) == ({}, dict.fromkeys(kinds, (Status.SKIPPED, Reason.NOT_A_FILE)))


def test_a_symbolic_link_in_a_zip_file_is_skipped(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        link = zipfile.ZipInfo("link")
        link.create_system, link.external_attr = 3, 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    assert listed(tmp_path / "x.zip") == ({}, {"link": (Status.SKIPPED, Reason.NOT_A_FILE)})


def test_encrypted_and_unknown_compressed_members_fail(tmp_path: Path) -> None:
    content = zip_bytes({"x.dcm": b"1", "y.dcm": b"2"})
    (tmp_path / "e.zip").write_bytes(with_flag(content, 1))
    (tmp_path / "d.zip").write_bytes(with_method(content, 9))
    assert set(listed(tmp_path / "e.zip")[1].values()) == {(Status.FAILED, Reason.ENCRYPTED)}
    assert set(listed(tmp_path / "d.zip")[1].values()) == {FAILED_VALUE}


def test_of_doubled_members_the_first_is_read_and_the_others_fail(tmp_path: Path) -> None:
    with warnings.catch_warnings(), zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        warnings.simplefilter("ignore")
        for content in (b"1", b"2", b"3"):
            archive.writestr("a/x.dcm", content)
    contents, failures = listed(tmp_path / "x.zip")
    assert contents == {"a/x.dcm": b"1"}
    assert failures == {"a/x.dcm-2": FAILED_VALUE, "a/x.dcm-3": FAILED_VALUE}


def test_members_of_a_zip_file_that_share_bytes_fail(tmp_path: Path) -> None:
    content = zip_bytes({"x.dcm": bytes(1000), "y.dcm": bytes(1000)})
    second = content.find(b"PK\x03\x04", 1)
    entry = content.find(b"PK\x01\x02", content.find(b"PK\x01\x02") + 1)
    changed = bytearray(content)
    assert int.from_bytes(changed[entry + 42 : entry + 46], "little") == second
    changed[entry + 42 : entry + 46] = bytes(4)
    (tmp_path / "x.zip").write_bytes(bytes(changed))
    assert FAILED_VALUE in listed(tmp_path / "x.zip")[1].values()


@pytest.mark.parametrize("suffix", SUFFIXES[:5])
def test_a_truncated_archive_has_a_row_and_hides_no_member_before_its_end(tmp_path: Path, suffix: str) -> None:
    members = {f"{number}.dcm": bytes([number]) * 3000 for number in range(5)}
    archive = write_archive(tmp_path / f"films{suffix}", members)
    whole = archive.read_bytes()
    for size in (len(whole) // 2, len(whole) - 2660 if suffix == ".tar" else len(whole) - 10):
        archive.write_bytes(whole[:size])
        contents, failures = listed(archive)
        assert contents.items() <= members.items()
        assert failures
        assert {status for status, _ in failures.values()} == {Status.FAILED}
    if suffix == ".tar":
        assert len(contents) >= 2


def test_a_damaged_header_within_a_tar_file_is_noticed(tmp_path: Path) -> None:
    content = bytearray(tar_bytes({"a": b"1", "b": b"2", "c": b"3"}))
    content[1024:1100] = b"?" * 76
    (tmp_path / "x.tar").write_bytes(bytes(content))
    contents, failures = listed(tmp_path / "x.tar")
    assert contents == {"a": b"1"}
    assert failures == {"x.tar": (Status.FAILED, Reason.UNREADABLE)}


@pytest.mark.parametrize("suffix", [".zip", ".tar.gz", ".tar.bz2", ".tar.xz"])
def test_a_bomb_is_refused_before_it_is_decompressed_as_a_whole(tmp_path: Path, suffix: str) -> None:
    archive = write_archive(tmp_path / f"films{suffix}", {"x.dcm": bytes(80 * 1024**2)})
    contents, failures = listed(archive)
    assert contents == {}
    assert list(failures.values()) == [(Status.FAILED, Reason.SUSPICIOUS_COMPRESSION)]


def test_too_many_members_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive_limits, "MOST_MEMBERS", 3)
    for suffix in (".zip", ".tar", ".tar.gz"):
        archive = write_archive(tmp_path / f"films{suffix}", MEMBERS)
        assert listed(archive) == ({}, {archive.name: (Status.FAILED, Reason.TOO_LARGE)})


def test_names_are_read_as_cp437_and_as_utf_8(tmp_path: Path) -> None:
    content = zip_bytes({"Hände/ü.dcm": b"1"})
    (tmp_path / "u.zip").write_bytes(content)
    assert list(listed(tmp_path / "u.zip")[0]) == ["Hände/ü.dcm"]
    plain = zip_bytes({"H?nde.dcm": b"1"}).replace(b"H?nde", b"H\x84nde")
    (tmp_path / "c.zip").write_bytes(plain)
    assert list(listed(tmp_path / "c.zip")[0]) == ["Hände.dcm"]


def test_a_zip_member_whose_bytes_changed_fails(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.writestr("x.dcm", b"stored bytes")
        archive.writestr("y.dcm", b"others")
    path = tmp_path / "x.zip"
    path.write_bytes(path.read_bytes().replace(b"stored bytes", b"stored_bytes", 1))
    assert listed(path) == ({"y.dcm": b"others"}, {"x.dcm": (Status.FAILED, Reason.UNREADABLE)})
