# SPDX-License-Identifier: MIT
"""A run over a PACS gives what a folder of the same films gives, also if the PACS, the network or the run fails."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest
from tests.support.command_line import CommandLine
from tests.support.dicomweb_server import DicomWebServer, Quirk, serve_dicomweb
from tests.support.outputs import files_of, images_of, rows_of
from tests.support.pacs import Pacs, run_orthanc, wait_for
from tests.support.pacs_films import Uids, distinct_films, film, films_of_study, write_films

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("pacs_client")]

NATIVE = "1.2.840.10008.1.2.1"
SYNTAXES = (NATIVE, "1.2.840.10008.1.2", "1.2.840.10008.1.2.4.91", "1.2.840.10008.1.2.5")
MANY: dict[Uids, bytes] = {
    (f"1.7.{number % 4}", f"1.8.{number % 8}", f"1.9.{number}"): film(
        (f"1.7.{number % 4}", f"1.8.{number % 8}", f"1.9.{number}"), NATIVE
    )
    for number in range(40)
}
# run.json holds times
OTHERWISE = ("run.json",)


@pytest.fixture
def command(tmp_path: Path) -> CommandLine:
    (tmp_path / "home").mkdir()
    return CommandLine(tmp_path / "home")


@pytest.fixture
def server() -> Iterator[DicomWebServer]:
    with serve_dicomweb(MANY) as running:
        yield running


def contents(out: Path) -> dict[str, bytes]:
    return {name: (out / name).read_bytes() for name in files_of(out) if name not in OTHERWISE}


def converted(command: CommandLine, source: str | Path, out: Path, *options: str) -> dict[str, bytes]:
    command.run_process("convert", source, out, "--no-report", *options)
    return contents(out)


@pytest.mark.parametrize("protocol", ["dicomweb", "network"])
def test_a_pacs_gives_the_same_files_and_tables_as_a_folder(
    command: CommandLine, orthanc: Pacs, tmp_path: Path, protocol: str
) -> None:
    study = f"1.2.826.9.{len(protocol)}"
    orthanc.store(write_films(tmp_path / "films", films_of_study(study, SYNTAXES)))
    url = orthanc.web_url if protocol == "dicomweb" else orthanc.network_url
    expected = converted(command, tmp_path / "films", tmp_path / "folder")
    assert converted(command, f"{url}?StudyInstanceUID={study}", tmp_path / "out") == expected
    assert len(images_of(tmp_path / "out")) == 2
    assert len(rows_of(tmp_path / "out", "failures")) == 2


@pytest.mark.parametrize("protocol", ["dicomweb", "network"])
def test_real_films_are_the_same_through_a_pacs(
    command: CommandLine, film_folder: Path, tmp_path: Path, protocol: str
) -> None:
    films = distinct_films(sorted(path for path in film_folder.rglob("*") if path.is_file()))
    refused = set[Path]()
    paths = write_films(tmp_path / "films", films)
    with run_orthanc(tmp_path / "pacs") as pacs:
        for path in paths:
            try:
                pacs.store([path])
            except HTTPError:
                refused.add(path)
                path.unlink()
        url = pacs.web_url if protocol == "dicomweb" else pacs.network_url
        converted(command, tmp_path / "films", tmp_path / "folder", "--jobs", "2")
        converted(command, url, tmp_path / "out", "--jobs", "2")
    expected, rows = keyed_rows(tmp_path / "folder"), keyed_rows(tmp_path / "out")
    # Orthanc 1.10 does not send what has a class or a transfer syntax that it does not know
    unsent = {row["source"] for row in rows_of(tmp_path / "out", "failures") if row["reason"] == "unreadable"}
    assert len(rows) > 150
    assert len(unsent) < 6
    assert rows == {key: row for key, row in expected.items() if key[0] not in unsent}
    assert len(refused) < 40


def keyed_rows(out: Path) -> dict[tuple[str, str], dict[str, str]]:
    """The rows of metadata by source and frame, without what depends on other rows."""
    rows = rows_of(out)
    return {(row["source"], row["frame"]): row | {"duplicate_of": ""} for row in rows}


@pytest.mark.parametrize("protocol", ["dicomweb", "network"])
def test_a_pacs_that_is_killed_in_mid_run_costs_no_film(command: CommandLine, tmp_path: Path, protocol: str) -> None:
    expected = converted(command, folder_of_many(tmp_path), tmp_path / "folder")
    with run_orthanc(tmp_path / "pacs") as pacs:
        pacs.store(sorted((tmp_path / "films").rglob("*.dcm")))
        url = pacs.web_url if protocol == "dicomweb" else pacs.network_url
        with started(command, url, tmp_path / "out") as process:
            wait_for(lambda: (tmp_path / "out").is_dir() and images_of(tmp_path / "out"))
            pacs.kill()
            process.wait(120)
        assert process.returncode in (0, 1)
        pacs.start()
        assert converted(command, url, tmp_path / "out") == expected


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_is_killed_goes_on_where_it_was(
    command: CommandLine, server: DicomWebServer, tmp_path: Path, end: signal.Signals
) -> None:
    expected = converted(command, folder_of_many(tmp_path), tmp_path / "folder")
    with started(command, server.url, tmp_path / "out") as process:
        wait_for(lambda: len(server.retrieved()) > 10)
        os.killpg(process.pid, end)
        process.wait(60)
    assert converted(command, server.url, tmp_path / "out") == expected


def test_a_network_that_fails_in_mid_run_costs_no_film_and_no_second_retrieval(
    command: CommandLine, server: DicomWebServer, tmp_path: Path
) -> None:
    expected = converted(command, folder_of_many(tmp_path), tmp_path / "folder")
    server.answers_left = 15
    converted(command, server.url, tmp_path / "out")
    reasons = {row["reason"] for row in rows_of(tmp_path / "out", "failures")}
    assert reasons == {"network"}
    done = {row["source"] for row in rows_of(tmp_path / "out")}
    assert len(done) == 15
    server.answers_left = None
    server.requests.clear()
    assert converted(command, server.url, tmp_path / "out") == expected
    again = {path.rpartition("/")[2] for path in server.retrieved()}
    assert again == {uids[2] for uids in MANY} - {source.rpartition("/")[2][:-4] for source in done}
    server.requests.clear()
    assert converted(command, server.url, tmp_path / "out") == expected
    assert server.retrieved() == []


def test_two_searches_of_a_server_give_each_film_once(
    command: CommandLine, server: DicomWebServer, tmp_path: Path
) -> None:
    sources = [f"{server.url}/studies/1.7.{number}" for number in range(3)]
    single = f"{server.url}/studies/1.7.0/series/1.8.0/instances/1.9.0"
    done = command.run("convert", *sources, f"{server.url}/studies/1.7.1", single, tmp_path / "out", "--no-report")
    assert done.returncode == 0, done.stderr
    assert sorted(row["source"] for row in rows_of(tmp_path / "out")) == sorted(
        "/".join(uids) + ".dcm" for uids in MANY if uids[0] != "1.7.3"
    )


def test_a_search_without_a_match_is_a_source_that_does_not_exist(
    command: CommandLine, server: DicomWebServer, tmp_path: Path
) -> None:
    done = command.run("convert", f"{server.url}/studies/9.9", tmp_path / "out")
    assert done.returncode == 2
    assert "no image that matches" in done.stderr


def test_the_same_row_comes_from_the_url_of_the_instance(
    command: CommandLine, server: DicomWebServer, tmp_path: Path
) -> None:
    server.quirk = Quirk.NOT_DICOM
    url = f"{server.url}/studies/1.7.0/series/1.8.0/instances/1.9.0"
    done = command.run("convert", url, tmp_path / "x.png")
    assert done.returncode == 1
    assert "unsupported_value (read)" in done.stderr


def test_tokens_are_in_no_output_no_log_and_no_command_line_of_a_worker(
    command: CommandLine, server: DicomWebServer, tmp_path: Path
) -> None:
    secrets = ("token-of-environment", "password-of-url", "token-of-answer", "NAME-IN-QUERY")
    url = server.url.replace("dicomweb+http://", "dicomweb+http://ann:password-of-url@")
    log = tmp_path / "log.jsonl"
    written = ""
    for source, quirk in ((server.url, Quirk.UNAUTHORISED), (url, Quirk.UNAUTHORISED), (url, Quirk.REDIRECT)):
        server.quirk, server.elsewhere = quirk, "http://127.0.0.1:9/token-of-answer"
        out = tmp_path / f"out{len(written)}"
        done = command.run_process(
            "convert", f"{source}?PatientName=NAME-IN-QUERY", out, "--verbose", "--log", log,
            environment={"DICOMWEB_TOKEN": "token-of-environment"},
        )  # fmt: skip
        assert done.returncode == 1
        written += done.stdout + done.stderr + log.read_text()
        for path in out.rglob("*"):
            if path.is_file():
                written += path.read_bytes().decode("latin-1")
    assert len(rows_of(out, "failures")) == len(MANY)
    for secret in secrets:
        assert secret not in written


def test_a_token_is_in_no_command_line_of_a_process_of_the_run(
    command: CommandLine, server: DicomWebServer, tmp_path: Path
) -> None:
    with started(command, server.url, tmp_path / "out", DICOMWEB_TOKEN="token-of-environment") as process:
        wait_for(lambda: len(server.retrieved()) > 3)
        lines = [path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if _is_readable(path)]
        process.wait(120)
    assert any(b"plainfilm.workers" in line or b"plainfilm" in line for line in lines)
    assert not any(b"token-of-environment" in line for line in lines)


def test_hashed_names_show_no_uid(command: CommandLine, server: DicomWebServer, tmp_path: Path) -> None:
    server.answers_left = 30
    converted(command, server.url, tmp_path / "out", "--names", "hash")
    assert len(images_of(tmp_path / "out")) == 30
    for name, content in contents(tmp_path / "out").items():
        assert not re.search(rb"1\.[789]\.\d", name.encode() + content)


def test_a_missing_package_is_named_with_its_extra(
    command: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import importlib.util

    find_spec: Callable[..., object] = importlib.util.find_spec
    hidden = {"pynetdicom", "dicomweb_client"}
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name, *rest: None if name in hidden else find_spec(name, *rest)
    )
    for url in ("dicom://A@127.0.0.1:104", "dicomweb+https://127.0.0.1/x"):
        done = command.run("convert", url, tmp_path / "out")
        assert done.returncode == 2
        assert "pip install 'plainfilm[pacs]'" in done.stderr


def _is_readable(path: Path) -> bool:
    try:
        return bool(path.read_bytes())
    except OSError:
        return False


def folder_of_many(tmp_path: Path) -> Path:
    write_films(tmp_path / "films", MANY)
    return tmp_path / "films"


def started(command: CommandLine, source: str, out: Path, **environment: str) -> subprocess.Popen[bytes]:
    """Start a run in a process group of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "plainfilm", "convert", source, str(out), "--no-report", "--quiet"],
        env={**command.environment, **environment},
        start_new_session=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
