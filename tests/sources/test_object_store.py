# SPDX-License-Identifier: MIT
"""Object storage: faults of the server and of the network, credentials, and how often the server is asked."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from tests.support.archives import zip_bytes
from tests.support.cases.build import case_file
from tests.support.command_line import CommandLine
from tests.support.outputs import rows_of
from tests.support.s3_server import BUCKET, FAULTS, SECRET, S3Server

from plainfilm.api.many_images import convert, survey
from plainfilm.api.one_image import explain, render
from plainfilm.conversion.summary import Run
from plainfilm.errors import OptionsError, Reason, SourceError, SourceMissingError
from plainfilm.output.remote_objects import RemoteObjects
from plainfilm.sources.remote_file import parse_url
from plainfilm.sources.store import WritableStore, forget_stores, store_of

FILM = case_file(rows=16, columns=20)
LARGE = case_file(rows=600, columns=700)


@pytest.fixture
def server(s3_server: S3Server) -> S3Server:
    s3_server.put({"a/x.dcm": FILM, "a/b/y.dcm": LARGE, "a/note.txt": b"none"})
    return s3_server


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    return tmp_path / "key"


def run(source: str | list[str], key: Path, **options: object) -> Run:
    return convert(source, key.parent / "out", jobs=1, key_file=key, **options)  # type: ignore[arg-type]


def images(key: Path) -> list[str]:
    return sorted(path.relative_to(key.parent / "out").as_posix() for path in (key.parent / "out").rglob("*.png"))


def test_an_object_is_rendered_and_explained(server: S3Server) -> None:
    assert render(f"s3://{BUCKET}/a/x.dcm").shape == (16, 20)
    assert explain(f"s3://{BUCKET}/a/x.dcm").plan is not None
    assert [method for method, *_ in server.requests].count("PUT") == 0


def test_several_urls_have_prefixes_as_folders_have(server: S3Server, key: Path) -> None:
    server.put({"c/a/x.dcm": FILM})
    assert run([f"s3://{BUCKET}/a", f"s3://{BUCKET}/c/a/", f"s3://{BUCKET}/a/b"], key).converted == 3
    assert images(key) == ["a-2/x.png", "a/b/y.png", "a/x.png"]


@pytest.mark.usefixtures("server")
def test_a_whole_bucket_and_a_file_of_it_count_once(key: Path) -> None:
    assert run([f"s3://{BUCKET}", f"s3://{BUCKET}/a/x.dcm"], key).converted == 2
    assert images(key) == ["a/b/y.png", "a/x.png"]


def test_unusual_keys_lose_no_film(server: S3Server, key: Path) -> None:
    names = (
        "a//x.dcm",
        "a/_/x.dcm",
        "/x.dcm",
        "a/\u00fc b+%20?.dcm",
        "a/x",
        "a/x/z",
        "../up.dcm",
        "a/./dot.dcm",
        "folder/",
    )
    for name in names:
        server.client().put_object(Bucket=BUCKET, Key=f"k/{name}", Body=FILM)
    result = run(f"s3://{BUCKET}/k", key)
    assert result.converted == len(names) - 1
    assert all(path.is_relative_to(key.parent) for path in (key.parent / "out").rglob("*"))


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_of_the_network_is_overcome(server: S3Server, key: Path, fault: str) -> None:
    server.faults = [fault, fault]
    assert run(f"s3://{BUCKET}/a/", key).converted == 2
    assert server.faults == []


@pytest.mark.parametrize("fault", ["503", "reset", "truncated"])
def test_a_network_that_keeps_failing_is_a_row_and_the_next_run_tries_again(
    server: S3Server, key: Path, fault: str
) -> None:
    server.constant_fault = fault
    assert run(f"s3://{BUCKET}/a", key).reasons == {"failed: network": 3}
    server.constant_fault = ""
    result = run(f"s3://{BUCKET}/a", key)
    assert (result.converted, result.failed) == (2, 0)


def test_an_input_that_fails_is_not_fetched_again(server: S3Server, key: Path) -> None:
    server.put({"bad/x.dcm": b"no film"})
    assert run(f"s3://{BUCKET}/bad", key).reasons == {"failed: not_dicom": 1}
    server.requests.clear()
    assert run(f"s3://{BUCKET}/bad", key).failed == 1
    assert all("list-type" in path for _, path, _ in server.requests)


def test_a_resumed_run_asks_for_the_list_alone(server: S3Server, key: Path) -> None:
    run(f"s3://{BUCKET}/a", key)
    server.requests.clear()
    assert "3 files were done before" in " ".join(run(f"s3://{BUCKET}/a", key).notes)
    assert all("list-type" in path for _, path, _ in server.requests)
    server.put({"a/x.dcm": LARGE})
    assert "1 file has changed" in " ".join(run(f"s3://{BUCKET}/a", key).notes)


def test_a_survey_reads_one_range_of_a_large_film(server: S3Server) -> None:
    server.put({"large/x.dcm": case_file(rows=2000, columns=2000)})
    server.requests.clear()
    assert survey(f"s3://{BUCKET}/large", jobs=1).counts.images == 1
    ranges = [span for method, path, span in server.requests if method == "GET" and path.endswith("x.dcm")]
    assert ranges == ["bytes=0-131071"]


def test_a_zip_file_is_read_by_ranges(server: S3Server, key: Path) -> None:
    server.put({"p.zip": zip_bytes({"x.dcm": FILM, "y/z.dcm": LARGE})})
    assert run(f"s3://{BUCKET}", key).converted == 4
    assert "p.zip/y/z.png" in images(key)


@pytest.mark.usefixtures("server")
@pytest.mark.parametrize("place", ["nothing", "a/x.dc"])
def test_a_url_at_which_nothing_is_is_a_missing_source(key: Path, place: str) -> None:
    with pytest.raises(SourceMissingError, match="does not exist"):
        run(f"s3://{BUCKET}/{place}", key)


@pytest.mark.usefixtures("server")
def test_a_bucket_that_does_not_exist_is_a_missing_source(key: Path) -> None:
    with pytest.raises(SourceMissingError, match="does not exist"):
        run("s3://no-such-bucket/a", key)


def test_missing_credentials_are_a_row_that_says_where_they_are_looked_for(
    server: S3Server, key: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in server.environment:
        if "KEY" in name:
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(key.parent))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(key.parent / "none"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(key.parent / "none"))
    forget_stores()
    assert run(f"s3://{BUCKET}/a", key).reasons == {"failed: unreadable": 1}
    assert "credentials" in (key.parent / "out/failures.csv").read_text()


@pytest.mark.usefixtures("server")
def test_a_password_in_the_url_of_a_bucket_is_refused(key: Path) -> None:
    with pytest.raises(OptionsError, match="credentials") as caught:
        run(f"s3://key:{SECRET}@{BUCKET}/a", key)
    assert SECRET not in str(caught.value)


def test_no_output_has_the_credentials(server: S3Server, tmp_path: Path) -> None:
    server.constant_fault = "503"
    out = tmp_path / "out"
    done = CommandLine(tmp_path).run("convert", f"s3://{BUCKET}/a", out, "--verbose", "--log", tmp_path / "log.jsonl")
    assert done.returncode == 1
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and path.name != "key"]
    assert not any(SECRET.encode() in content for content in (*written, done.stdout_bytes, done.stderr_bytes))


def test_prune_removes_the_image_of_an_object_that_is_gone(server: S3Server, key: Path) -> None:
    assert run(f"s3://{BUCKET}/a", key).converted == 2
    server.client().delete_object(Bucket=BUCKET, Key="a/x.dcm")
    result = run(f"s3://{BUCKET}/a", key, prune=True)
    assert result.reasons == {"skipped: not_dicom": 1}
    assert images(key) == ["b/y.png"]


def test_the_options_of_the_clients_of_the_user_are_used(server: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL")
    monkeypatch.setenv("FSSPEC_S3_ENDPOINT_URL", server.environment["AWS_ENDPOINT_URL"])
    fsspec = pytest.importorskip("fsspec")
    fsspec.config.set_conf_env(fsspec.config.conf)
    try:
        forget_stores()
        url = parse_url(f"s3://{BUCKET}/a/x.dcm")
        assert [place for place, _ in store_of(url).list(url)] == [""]
    finally:
        del fsspec.config.conf["s3"]
        forget_stores()


@pytest.mark.usefixtures("server")
def test_a_store_that_cannot_be_opened_is_a_row(key: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AZURE_STORAGE_ACCOUNT_NAME", "AZURE_STORAGE_CONNECTION_STRING"):
        monkeypatch.delenv(name, raising=False)
    result = run("az://container/x", key)
    assert (result.converted, result.failed) == (0, 1)
    (row,) = rows_of(key.parent / "out", "failures")
    assert (row["reason"], row["stage"]) == ("unreadable", "list")
    assert "check the URL and the configuration" in row["message"]


def test_an_object_is_copied_by_the_server(server: S3Server) -> None:
    store = cast(WritableStore, store_of(parse_url(f"s3://{BUCKET}")))
    origin, target = (parse_url(f"s3://{BUCKET}/{path}") for path in ("a/b/y.dcm", "copy of/y ü.dcm"))
    store.copy(origin, target)
    assert server.get("copy of/y ü.dcm") == LARGE
    assert {method for method, path, _ in server.requests if "y" in path} <= {"HEAD", "PUT"}
    with pytest.raises(SourceError) as caught:
        store.copy(target.with_path("/missing"), target)
    assert caught.value.reason is Reason.SOURCE_CHANGED
    assert server.get("copy of/y ü.dcm") == LARGE


def test_a_large_file_is_sent_in_parts_and_read_in_parts(server: S3Server, tmp_path: Path) -> None:
    path, content = tmp_path / "large", b"0123456789abcdef" * (33 * 1024**2 // 16)
    path.write_bytes(content)
    objects = RemoteObjects(parse_url(f"s3://{BUCKET}/large files"))
    server.requests.clear()
    objects.put({"x": path})
    parts = {query for method, query, _ in server.requests if method == "PUT"}
    assert len(parts) == 3, "each of at most 16 MiB"
    assert [len(chunk) for chunk in objects.chunks(objects.list()["x"])] == [16 * 1024**2, 16 * 1024**2, 1024**2]
    objects.fetch(objects.list()["x"], tmp_path / "fetched" / "x")
    assert (tmp_path / "fetched" / "x").read_bytes() == content
