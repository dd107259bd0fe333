# SPDX-License-Identifier: MIT
"""Instances of DICOMweb servers are found and read, also where the servers page, answer and fail in their own ways."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.dicom_files import small_file
from tests.support.dicomweb_server import WAYS_OF_PARTS, DicomWebServer, Quirk, serve_dicomweb
from tests.support.raw_server import repeating

from plainfilm.errors import ConversionError, LimitError, OptionsError, Reason
from plainfilm.sources import store as store_module
from plainfilm.sources.remote_file import RemoteFile, parse_url
from plainfilm.sources.store import Store, store_of

SYNTAX = "1.2.840.10008.1.2.1"
INSTANCES = {
    (f"1.{study}", f"2.{study}.{series}", f"3.{study}.{series}.{number}"): small_file(
        SYNTAX, SOPInstanceUID=f"3.{study}.{series}.{number}"
    ).replace(b"\x08\x001.2.3.4\0", b"\x08\x00" + f"3.{study}.{series}.{number}".ljust(8, "\0").encode())
    for study in range(3)
    for series in range(2)
    for number in range(3)
}
PLACES = {"/".join(uids) + ".dcm" for uids in INSTANCES}
Listed = dict[str, RemoteFile | ConversionError]


pytestmark = pytest.mark.usefixtures("pacs_client")


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PAUSES", (0.0, 0.0, 0.0, 0.0))
    # a server of an earlier test may have had the same port
    store_module._store.cache_clear()


@pytest.fixture
def server() -> Iterator[DicomWebServer]:
    with serve_dicomweb(INSTANCES) as running:
        yield running


def store(url: str) -> Store:
    return store_of(parse_url(url))


def listed(url: str) -> Listed:
    return dict(store(url).list(parse_url(url)))


def make_certificate(folder: Path) -> Path:
    """Make a certificate that signs itself, with its key, for 127.0.0.1."""
    path = folder / "server.pem"
    names = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *names]
    subprocess.run([*command, "-keyout", str(path), "-out", str(folder / "only.pem")], check=True, capture_output=True)
    path.write_bytes(path.read_bytes() + (folder / "only.pem").read_bytes())
    return path


def first_file(server: DicomWebServer) -> tuple[bytes, RemoteFile]:
    file = listed(server.url)["1.0/2.0.0/3.0.0.0.dcm"]
    assert isinstance(file, RemoteFile)
    return INSTANCES["1.0", "2.0.0", "3.0.0.0"], file


def error_of_reading(server: DicomWebServer) -> ConversionError:
    file = first_file(server)[1]
    with pytest.raises(ConversionError) as caught:
        store(server.url).read(file)
    return caught.value


@pytest.mark.parametrize(
    "quirk",
    [
        *WAYS_OF_PARTS,
        Quirk.NOT_ACCEPTED,
        Quirk.GZIP,
        Quirk.REDIRECT_AT_HOME,
    ],
    ids=lambda quirk: quirk.name,
)
def test_an_instance_is_read_byte_for_byte(server: DicomWebServer, quirk: Quirk) -> None:
    content, file = first_file(server)
    server.quirk = quirk
    assert store(server.url).read(file) == content


@pytest.mark.parametrize(
    "quirk",
    [Quirk.NONE, Quirk.IGNORES_LIMIT, Quirk.SMALL_PAGES, Quirk.NO_SERIES, Quirk.NO_CONTENT],
    ids=lambda quirk: quirk.name,
)
def test_every_instance_is_found_once(server: DicomWebServer, quirk: Quirk) -> None:
    server.quirk = quirk
    assert listed(server.url).keys() == PLACES


def test_a_server_that_repeats_its_only_page_is_not_asked_for_ever(server: DicomWebServer) -> None:
    server.quirk = Quirk.IGNORES_OFFSET
    assert listed(server.url).keys() == PLACES
    assert len(server.requests) < 20


def test_a_server_that_repeats_a_small_page_and_counts_more_instances_is_an_error(server: DicomWebServer) -> None:
    server.quirk = Quirk.REPEATS_SMALL_PAGE
    files = listed(f"{server.url}/studies/1.1")
    errors = {place: file for place, file in files.items() if isinstance(file, ConversionError)}
    assert errors.keys() == {"1.1/not-listed-5"}
    assert "offset" in errors["1.1/not-listed-5"].message
    assert len(files.keys() & PLACES) == 4


def test_results_that_a_server_announces_and_does_not_give_are_an_error(server: DicomWebServer) -> None:
    server.quirk = Quirk.ENDLESS_RESULTS
    files = listed(server.url)
    errors = {place: file for place, file in files.items() if isinstance(file, ConversionError)}
    assert errors.keys() == {"1.0/not-listed", "1.1/not-listed", "1.2/not-listed", "not-listed"}
    assert all("offset" in error.message for error in errors.values())


def test_a_modality_that_the_server_ignores_is_still_chosen(server: DicomWebServer) -> None:
    server.modalities = {uids[1]: "DX" if uids[1].endswith("0") else "CT" for uids in INSTANCES}
    wanted = {place for place in PLACES if "/2.0.0/" in place or "/2.1.0/" in place or "/2.2.0/" in place}
    assert listed(f"{server.url}?Modality=DX").keys() == wanted
    server.quirk = Quirk.IGNORES_FILTERS
    assert listed(f"{server.url}?Modality=DX").keys() == wanted


def test_the_url_of_one_study_and_of_one_instance_can_be_given(server: DicomWebServer) -> None:
    assert listed(f"{server.url}/studies/1.1").keys() == {place for place in PLACES if place.startswith("1.1/")}
    file = listed(f"{server.url}/studies/1.1/series/2.1.0/instances/3.1.0.2")[""]
    assert isinstance(file, RemoteFile)
    assert store(server.url).read(file) == INSTANCES["1.1", "2.1.0", "3.1.0.2"]


def test_a_limit_counts_studies(server: DicomWebServer) -> None:
    assert {place.split("/")[0] for place in listed(f"{server.url}?limit=2")} == {"1.0", "1.1"}


def test_a_server_that_is_busy_is_asked_again(server: DicomWebServer) -> None:
    content, file = first_file(server)
    server.quirk, server.failures = Quirk.BUSY, 3
    assert store(server.url).read(file) == content


def test_a_server_that_stays_down_is_asked_once_for_each_further_file(server: DicomWebServer) -> None:
    file = first_file(server)[1]
    server.quirk = Quirk.DOWN
    reading = store(server.url)
    counts = []
    for _ in range(3):
        server.requests.clear()
        with pytest.raises(ConversionError) as caught:
            reading.read(file)
        assert caught.value.reason is Reason.NETWORK
        counts.append(len(server.requests))
    assert counts == [5, 1, 1]


def test_a_redirect_to_another_server_is_refused_and_the_token_stays_home(
    server: DicomWebServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DICOMWEB_TOKEN", "secret-token")
    with serve_dicomweb(INSTANCES) as other:
        server.elsewhere = f"http://127.0.0.1:{other.port}/service"
        file = first_file(server)[1]
        server.quirk = Quirk.REDIRECT
        with pytest.raises(ConversionError, match="another server"):
            store_of(file.url).read(file)
        assert other.requests == []
    assert server.requests[-1][1]["Authorization"] == "Bearer secret-token"


def test_urls_that_the_server_names_are_not_used(server: DicomWebServer) -> None:
    with serve_dicomweb(INSTANCES) as other:
        server.elsewhere = f"http://127.0.0.1:{other.port}/service"
        content, file = first_file(server)
        assert store(server.url).read(file) == content
        assert other.requests == []


@pytest.mark.parametrize(("variable", "value"), [("DICOMWEB_TOKEN_127_0_0_1", "of-host"), ("DICOMWEB_TOKEN", "of-all")])
def test_a_token_comes_from_the_environment_and_goes_with_the_file(
    server: DicomWebServer, monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    name = f"{variable}_{server.port}" if variable.endswith("1") else variable
    monkeypatch.setenv(name, value)
    file = first_file(server)[1]
    monkeypatch.delenv(name)
    store_of(file.url).read(file)
    assert server.requests[-1][1]["Authorization"] == f"Bearer {value}"
    assert value not in f"{file!r}{file.url}{file.__fspath__()}"


def test_a_user_in_the_url_is_sent_as_basic_and_shown_nowhere(server: DicomWebServer) -> None:
    url = server.url.replace("127.0.0.1", "ann:pass%40word@127.0.0.1")
    file = next(iter(listed(url).values()))
    assert isinstance(file, RemoteFile)
    assert server.requests[-1][1]["Authorization"] == "Basic YW5uOnBhc3NAd29yZA=="
    assert "pass" not in f"{file!r}{file.url}{file.__fspath__()}"


def test_a_refusal_quotes_nothing_of_the_token(server: DicomWebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMWEB_TOKEN", "secret-token")
    server.quirk = Quirk.UNAUTHORISED
    error = error_of_reading(server)
    assert error.reason is Reason.UNREADABLE
    assert "401" in error.message
    assert "secret" not in f"{error}{error.__cause__}{error.__context__}"


def test_a_token_that_no_header_can_hold_is_refused(server: DicomWebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DICOMWEB_TOKEN", "a\nX-Other: b")
    with pytest.raises(OptionsError, match="token"):
        listed(server.url)


def test_an_endless_answer_and_a_bomb_are_cut_off(server: DicomWebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    from plainfilm.sources.pacs import web_session

    monkeypatch.setattr(web_session, "LARGEST_UNKNOWN", 1_000_000)
    for quirk in (Quirk.ENDLESS_BODY, Quirk.BOMB):
        server.quirk = quirk
        url = server.url.replace("127.0.0.1", f"{quirk.name}@127.0.0.1")
        file = listed(url)["1.0/2.0.0/3.0.0.0.dcm"]
        assert isinstance(file, RemoteFile)
        with pytest.raises(LimitError) as caught:
            store_of(file.url).read(file)
        assert caught.value.reason is Reason.TOO_LARGE


def test_a_body_that_drips_is_given_up(server: DicomWebServer, monkeypatch: pytest.MonkeyPatch) -> None:
    file = first_file(server)[1]
    monkeypatch.setattr("plainfilm.sources.web_adapter._PATIENCE_SECONDS", 0.1)
    server.quirk = Quirk.DRIP
    with pytest.raises(ConversionError, match="slowly") as caught:
        store(server.url).read(file)
    assert caught.value.reason is Reason.NETWORK


def test_headers_that_drip_are_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plainfilm.sources.web_adapter._PATIENCE_SECONDS", 0.1)
    with repeating(b"HTTP/1.1 200 OK\r\nX: ", b"x") as port, pytest.raises(ConversionError, match="slowly"):
        listed(f"dicomweb+http://127.0.0.1:{port}/service")


def test_a_certificate_that_is_not_trusted_is_refused(
    server: DicomWebServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    certificate = make_certificate(tmp_path)
    with serve_dicomweb(INSTANCES, certificate) as secure:
        url = secure.url.replace("+http:", "+https:")
        with pytest.raises(ConversionError, match="certificate"):
            listed(url)
        assert secure.requests == []
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate))
        assert listed(url).keys() == listed(server.url).keys()


def test_a_token_comes_from_the_keyring_of_the_user(server: DicomWebServer) -> None:
    keyring = pytest.importorskip("keyring")
    from tests.support.keyring_backend import backend_with

    previous = keyring.get_keyring()
    keyring.set_keyring(backend_with("plainfilm", f"127.0.0.1:{server.port}", "token-of-keyring"))
    try:
        listed(server.url)
    finally:
        keyring.set_keyring(previous)
    assert server.requests[-1][1]["Authorization"] == "Bearer token-of-keyring"


@pytest.mark.parametrize(
    ("quirk", "reason"),
    [
        (Quirk.CUT, Reason.NETWORK),
        (Quirk.ANOTHER_INSTANCE, Reason.UNSUPPORTED_VALUE),
        (Quirk.NOT_DICOM, Reason.UNSUPPORTED_VALUE),
    ],
    ids=lambda value: value.name,
)
def test_a_wrong_answer_is_an_error_of_this_instance(server: DicomWebServer, quirk: Quirk, reason: Reason) -> None:
    server.quirk = quirk
    assert error_of_reading(server).reason is reason


def test_an_instance_that_was_deleted_has_changed(server: DicomWebServer) -> None:
    file = first_file(server)[1]
    del server.instances["1.0", "2.0.0", "3.0.0.0"]
    with pytest.raises(ConversionError) as caught:
        store(server.url).read(file)
    assert caught.value.reason is Reason.SOURCE_CHANGED


@pytest.mark.parametrize("quirk", [Quirk.PAGE_OF_HTML, Quirk.DOWN], ids=lambda quirk: quirk.name)
def test_a_search_that_fails_is_an_error_and_not_empty(server: DicomWebServer, quirk: Quirk) -> None:
    server.quirk = quirk
    with pytest.raises(ConversionError) as caught:
        listed(server.url)
    assert caught.value.reason is Reason.NETWORK


def test_a_server_that_is_not_there_is_an_error_of_the_network() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        url = f"dicomweb+http://127.0.0.1:{probe.getsockname()[1]}/service"
        with pytest.raises(ConversionError) as caught:
            listed(url)
    assert caught.value.reason is Reason.NETWORK
