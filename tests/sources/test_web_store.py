# SPDX-License-Identifier: MIT
"""Files of web servers: what bad servers send ends in an error, and nothing goes to another server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.archives import zip_bytes
from tests.support.cases.build import case_file, write_case
from tests.support.command_line import CommandLine
from tests.support.raw_server import repeating
from tests.support.web_server import WebServer, running_web_server

from plainfilm.api.many_images import convert
from plainfilm.api.one_image import render
from plainfilm.conversion.summary import Run
from plainfilm.errors import ConversionError, PlainfilmError, Reason, SourceMissingError

FILM = case_file(rows=16, columns=20)
SECRETS = ("s3cr3t", "me:")


@pytest.fixture
def server(web_server: WebServer, monkeypatch: pytest.MonkeyPatch) -> WebServer:
    monkeypatch.setattr("plainfilm.sources.store._PAUSES", (0.0, 0.0))
    web_server.files["/films/x.dcm"] = FILM
    return web_server


@pytest.fixture
def other_server(web_server: WebServer) -> Iterator[WebServer]:
    with running_web_server() as other:
        other.files = web_server.files
        yield other


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    return tmp_path / "key"


def run(source: str | list[str], key: Path) -> Run:
    return convert(source, key.parent / "out", jobs=1, key_file=key)


def error_of(source: str) -> PlainfilmError:
    with pytest.raises(ConversionError) as caught:
        render(source)
    assert not any(secret in str(caught.value) for secret in SECRETS)
    return caught.value


@pytest.mark.parametrize("has_ranges", [True, False])
@pytest.mark.parametrize("has_length", [True, False])
def test_a_file_is_converted_whatever_the_server_can_do(
    server: WebServer, key: Path, has_ranges: bool, has_length: bool
) -> None:
    server.has_ranges, server.has_length = has_ranges, has_length
    assert run(server.url("/films/x.dcm"), key).converted == 1
    assert (key.parent / "out/x.png").is_file()
    assert "1 file was done before" in " ".join(run(server.url("/films/x.dcm"), key).notes)


def test_a_file_that_has_changed_is_converted_again(server: WebServer, key: Path) -> None:
    run(server.url("/films/x.dcm"), key)
    server.files["/films/x.dcm"] = case_file(rows=16, columns=24)
    assert "changed since" in " ".join(run(server.url("/films/x.dcm"), key).notes)


def test_an_archive_is_read_by_ranges(server: WebServer, key: Path) -> None:
    server.files["/films.zip"] = zip_bytes({"a/x.dcm": FILM, "y.dcm": FILM, "blank.bin": bytes(3_000_000)})
    assert run(server.url("/films.zip"), key).converted == 2
    assert (key.parent / "out/a/x.png").is_file()


def test_an_archive_on_a_server_that_sends_no_parts_is_a_row_that_says_so(server: WebServer, key: Path) -> None:
    server.files["/films.zip"] = zip_bytes({"x.dcm": FILM})
    server.has_ranges = False
    assert run(server.url("/films.zip"), key).failed == 1
    failures = (key.parent / "out/failures.csv").read_text()
    assert "unsupported_value" in failures
    assert "parts of files" in failures


def test_a_list_may_hold_urls_and_paths(server: WebServer, key: Path) -> None:
    film = write_case(key.parent / "films/y.dcm", rows=16, columns=16)
    urls = [server.url("/films/x.dcm"), server.url("/films/gone.dcm"), server.url("/films/x.dcm")]
    (key.parent / "list.txt").write_text("\n".join([*urls, str(film)]))
    assert run(f"@{key.parent / 'list.txt'}", key).counts.converted == 2
    failures = (key.parent / "out/failures.csv").read_text()
    assert "gone.dcm,,failed,unreadable,list,nothing has this URL" in failures


def test_a_url_that_nothing_has_is_a_missing_source(server: WebServer, key: Path) -> None:
    with pytest.raises(SourceMissingError, match="does not exist"):
        run(server.url("/nothing?token=s3cr3t"), key)


@pytest.mark.parametrize("fault", ["500", "503", "429", "reset", "truncated"])
def test_a_failure_of_the_network_is_tried_again(server: WebServer, fault: str) -> None:
    server.faults = ["", fault, fault]
    assert render(server.url("/films/x.dcm")).shape == (16, 20)
    assert len(server.requests) == 4


@pytest.mark.parametrize("fault", ["503", "reset", "truncated"])
def test_a_network_that_keeps_failing_is_given_up(server: WebServer, fault: str) -> None:
    server.faults = ["", *[fault] * 9]
    assert error_of(server.url("/films/x.dcm", "me:s3cr3t") + "?token=s3cr3t").reason is Reason.NETWORK
    assert len(server.requests) == 4


@pytest.mark.parametrize("status", ["400", "401", "403", "418"])
def test_a_refusal_is_not_tried_again(server: WebServer, status: str) -> None:
    server.faults = [status]
    assert error_of(server.url("/films/x.dcm")).reason is Reason.UNREADABLE
    assert len(server.requests) == 1


def test_a_failed_download_is_a_row_that_the_next_run_tries_again(server: WebServer, key: Path) -> None:
    server.faults = ["", "", *["503"] * 5]
    assert run(server.url("/films/x.dcm"), key).reasons == {"failed: network": 1}
    server.faults = []
    assert run(server.url("/films/x.dcm"), key).converted == 1


def test_a_server_that_cannot_be_reached_is_a_row(server: WebServer, key: Path) -> None:
    server.faults = ["reset"] * 5
    assert run(server.url("/films/x.dcm"), key).reasons == {"failed: network": 1}


def test_an_endless_body_is_given_up(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plainfilm.sources.web_store.LARGEST_UNKNOWN", 5_000_000)
    server.faults = ["endless", "endless"]
    server.has_ranges = False
    assert error_of(server.url("/films/x.dcm")).reason is Reason.TOO_LARGE


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    "start",
    [b"H", b"HTTP/1.1 200 OK\r\nX: ", CHUNKED + b"0", CHUNKED + b"1\r\nx\r\n0\r\nX: "],
    ids=["status", "header", "length of a chunk", "trailer"],
)
@pytest.mark.usefixtures("server")
def test_an_answer_that_drips_besides_its_body_is_given_up(start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plainfilm.sources.web_adapter._PATIENCE_SECONDS", 0.1)
    with repeating(start, b"0") as port:
        error = error_of(f"http://127.0.0.1:{port}/x.dcm")
    assert error.reason is Reason.NETWORK
    assert "slowly" in error.message


@pytest.mark.usefixtures("server")
def test_headers_behind_the_body_without_an_end_exceed_a_limit() -> None:
    start = CHUNKED + b"1\r\nx\r\n0\r\n"
    with repeating(start, b"X: y\r\n" * 10_000, 0.0) as port:
        error = error_of(f"http://127.0.0.1:{port}/x.dcm")
    assert error.reason is Reason.TOO_LARGE
    assert "bytes of headers" in error.message


def test_a_body_that_drips_is_given_up(server: WebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plainfilm.sources.web_adapter._PATIENCE_SECONDS", 0.2)
    server.faults = ["drip"] * 9
    server.has_ranges = False
    assert error_of(server.url("/films/x.dcm")).reason is Reason.NETWORK


def test_a_body_that_goes_on_after_the_file_is_not_read_on(server: WebServer) -> None:
    server.faults = ["", "endless"]
    assert render(server.url("/films/x.dcm")).shape == (16, 20)


def test_a_redirect_within_the_server_is_followed(server: WebServer) -> None:
    server.user = "me:s3cr3t"
    server.redirects["/old.dcm"] = "/films/x.dcm"
    assert render(server.url("/old.dcm", "me:s3cr3t")).shape == (16, 20)


def test_a_redirect_to_another_server_is_refused_and_the_other_server_hears_nothing(
    server: WebServer, other_server: WebServer
) -> None:
    server.redirects["/old.dcm"] = other_server.url("/films/x.dcm")
    error = error_of(server.url("/old.dcm", "me:s3cr3t"))
    assert error.reason is Reason.UNREADABLE
    assert "another server" in str(error)
    assert other_server.requests == []


def test_a_circle_of_redirects_ends(server: WebServer) -> None:
    server.redirects["/old.dcm"] = "/old.dcm"
    assert "circle" in str(error_of(server.url("/old.dcm")))


def test_a_password_reaches_its_server_and_no_output(server: WebServer, key: Path) -> None:
    server.user = "me:s3cr3t"
    source = server.url("/films/x.dcm", "me:s3cr3t") + "?token=s3cr3t-too"
    done = CommandLine(key.parent).run(
        *("convert", source, key.parent / "out", "--verbose", "--log", key.parent / "log.jsonl", "--key-file", key)
    )
    assert done.returncode == 0
    server.faults = ["", "", *["503"] * 5]
    second = CommandLine(key.parent).run(
        *("convert", source, key.parent / "out2", "--verbose", "--log", key.parent / "log2.jsonl", "--key-file", key)
    )
    assert second.returncode == 1
    assert any("Authorization" in headers for _, headers in server.requests)
    written = [path.read_bytes() for path in key.parent.rglob("*") if path.is_file() and path != key]
    for content in (*written, done.stdout_bytes, done.stderr_bytes, second.stderr_bytes):
        assert b"s3cr3t" not in content
        assert b"bWU6czNjcjN0" not in content


def test_a_refused_password_is_not_in_the_message(server: WebServer, key: Path) -> None:
    server.user = "me:s3cr3t"
    done = CommandLine(key.parent).run("convert", server.url("/films/x.dcm", "me:s3cr3t-no"), key.parent / "out")
    assert done.returncode == 1
    assert b"s3cr3t" not in done.stderr_bytes
    assert "s3cr3t" not in (key.parent / "out/failures.csv").read_text()


def test_the_command_line_of_a_worker_has_no_url() -> None:
    from plainfilm.workers.spawn import TASK, spawn

    child = spawn(TASK)
    try:
        arguments = Path(f"/proc/{child.pid}/cmdline").read_bytes()
        assert b"://" not in arguments
    finally:
        child.kill()
        child.wait()
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.close()
        child.stdout.close()
