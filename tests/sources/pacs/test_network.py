# SPDX-License-Identifier: MIT
"""Instances of real PACS are found by C-FIND and read by C-GET as stored, and no failure looks like an empty PACS."""

from __future__ import annotations

import io
import itertools
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pydicom
import pytest
from tests.support.pacs import Pacs
from tests.support.pacs_films import films_of_study, place_of, write_films
from tests.support.raw_server import repeating

from plainfilm.errors import ConversionError, LimitError, OptionsError, Reason, SourceError
from plainfilm.sources import store as store_module
from plainfilm.sources.pacs.storage import MOST_CLASSES, SYNTAXES, groups_of, likely_groups
from plainfilm.sources.remote_file import RemoteFile, parse_url
from plainfilm.sources.store import Store, store_of

pytestmark = pytest.mark.usefixtures("pacs_client")

STORED_SYNTAXES = (
    "1.2.840.10008.1.2",
    "1.2.840.10008.1.2.1",
    "1.2.840.10008.1.2.4.50",
    "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.81",
    "1.2.840.10008.1.2.4.91",
    "1.2.840.10008.1.2.5",
)
NATIVE = STORED_SYNTAXES[:2]
STUDY = "1.2.826.7"


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store_module, "_PAUSES", (0.0, 0.0, 0.0, 0.0))
    store_module._store.cache_clear()


def store(url: str) -> Store:
    return store_of(parse_url(url))


def listed(url: str) -> dict[str, RemoteFile | ConversionError]:
    return dict(store(url).list(parse_url(url)))


def fill(pacs: Pacs, folder: Path, syntaxes: tuple[str, ...]) -> dict[str, bytes]:
    """Store films, and return their content by place."""
    films = films_of_study(STUDY, syntaxes)
    pacs.store(write_films(folder, films))
    return {place_of(uids): content for uids, content in films.items()}


@pytest.fixture(scope="module")
def orthanc_films(orthanc: Pacs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return fill(orthanc, tmp_path_factory.mktemp("films"), STORED_SYNTAXES)


@pytest.fixture(scope="module")
def dcmtk_films(dcmqrscp: Pacs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    return fill(dcmqrscp, tmp_path_factory.mktemp("films"), NATIVE)


def assert_same_films(url: str, films: dict[str, bytes], *, has_syntaxes: bool = True) -> None:
    files = listed(url)
    assert files.keys() == films.keys()
    for place, file in files.items():
        assert isinstance(file, RemoteFile)
        read = pydicom.dcmread(io.BytesIO(store(url).read(file)))
        stored = pydicom.dcmread(io.BytesIO(films[place]))
        # dcmqrscp itself stores native films in the transfer syntax that it prefers
        assert not has_syntaxes or read.file_meta.TransferSyntaxUID == stored.file_meta.TransferSyntaxUID
        assert read.SOPInstanceUID == stored.SOPInstanceUID
        assert read.PixelData == stored.PixelData


def test_orthanc_sends_every_transfer_syntax_as_it_is_stored(orthanc: Pacs, orthanc_films: dict[str, bytes]) -> None:
    assert_same_films(f"{orthanc.network_url}?StudyInstanceUID={STUDY}", orthanc_films)


def test_orthanc_sends_the_same_bytes_by_dicomweb(orthanc: Pacs, orthanc_films: dict[str, bytes]) -> None:
    url = f"{orthanc.web_url}?StudyInstanceUID={STUDY}"
    files = listed(url)
    assert files.keys() == orthanc_films.keys()
    for place, file in files.items():
        assert isinstance(file, RemoteFile)
        assert store(url).read(file) == orthanc_films[place]


def test_dcmtk_sends_the_films_that_it_stores(dcmqrscp: Pacs, dcmtk_films: dict[str, bytes]) -> None:
    assert_same_films(dcmqrscp.network_url, dcmtk_films, has_syntaxes=False)


@pytest.mark.parametrize(
    "query", ["Modality=CR", "StudyDate=20240201-20240204&Modality=CR", f"SeriesInstanceUID={STUDY}.1.1"]
)
@pytest.mark.parametrize("protocol", ["network", "web"])
def test_a_query_chooses_series(orthanc: Pacs, orthanc_films: dict[str, bytes], protocol: str, query: str) -> None:
    url = orthanc.network_url if protocol == "network" else orthanc.web_url
    first = next(iter(orthanc_films))
    assert listed(f"{url}/studies/{STUDY}?{query}").keys() == {first}


@pytest.mark.parametrize("protocol", ["network", "web"])
def test_a_query_that_matches_nothing_finds_nothing(orthanc: Pacs, protocol: str) -> None:
    url = orthanc.network_url if protocol == "network" else orthanc.web_url
    assert listed(f"{url}?StudyDate=18991231") == {}


@pytest.mark.parametrize("server", ["orthanc", "dcmqrscp"])
def test_an_ae_title_that_is_not_known_is_an_error(server: str, request: pytest.FixtureRequest) -> None:
    pacs: Pacs = request.getfixturevalue(server)
    with pytest.raises(ConversionError, match="AE title") as caught:
        listed(pacs.network_url.replace(pacs.title, "NOBODY"))
    assert caught.value.reason is Reason.UNREADABLE


def test_a_pacs_that_is_not_there_is_an_error_of_the_network() -> None:
    with socket.socket() as bound:
        # nothing listens, and no other program gets the port
        bound.bind(("127.0.0.1", 0))
        with pytest.raises(ConversionError) as caught:
            listed(f"dicom://PACS@127.0.0.1:{bound.getsockname()[1]}")
    assert caught.value.reason is Reason.NETWORK


@pytest.mark.parametrize(
    "url",
    [
        "dicom://host:104",
        "dicom://AET@host:0",
        "dicom://AET@host:x",
        "dicom://12345678901234567@host",
        "dicom://AET@host/a",
    ],
)
def test_a_url_that_names_no_pacs_is_refused(url: str) -> None:
    with pytest.raises(OptionsError, match="dicom://"):
        listed(url)


def test_an_instance_that_was_deleted_has_changed(orthanc: Pacs, orthanc_films: dict[str, bytes]) -> None:
    file = listed(f"{orthanc.network_url}/studies/{STUDY}")[next(iter(orthanc_films))]
    assert isinstance(file, RemoteFile)
    path = file.url.path.rpartition("/")[0] + "/1.2.3.99"
    gone = type(file)(file.url.with_path(path), file.size, file.version, None, *_more_fields(file))
    with pytest.raises(ConversionError) as caught:
        store(orthanc.network_url).read(gone)
    assert caught.value.reason in (Reason.SOURCE_CHANGED, Reason.UNREADABLE)


def _more_fields(file: Any) -> tuple[Any, ...]:
    return file.groups, file.calling_title


def test_an_unknown_sop_class_is_found_by_trying(dcmqrscp: Pacs, dcmtk_films: dict[str, bytes]) -> None:
    file: Any = listed(dcmqrscp.network_url)[next(iter(dcmtk_films))]
    unknown = type(file)(file.url, file.size, file.version, None, likely_groups("CR"), file.calling_title)
    assert store(dcmqrscp.network_url).read(unknown)


@pytest.fixture
def failing_scp() -> Iterator[Any]:
    """Start a PACS whose answers a test chooses: the function starts it and returns its URL."""
    from pynetdicom import AE, evt
    from pynetdicom.sop_class import (
        DigitalXRayImageStorageForPresentation,
        StudyRootQueryRetrieveInformationModelFind,
        StudyRootQueryRetrieveInformationModelGet,
    )

    servers = []

    def start(find: Any, get: Any = None) -> str:
        entity = AE(ae_title="FAILING")
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelFind)
        entity.add_supported_context(StudyRootQueryRetrieveInformationModelGet)
        entity.add_supported_context(
            DigitalXRayImageStorageForPresentation, list(SYNTAXES), scu_role=True, scp_role=True
        )
        handlers = [(evt.EVT_C_FIND, find), (evt.EVT_C_GET, get or find)]
        servers.append(entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers))
        return f"dicom://FAILING@127.0.0.1:{servers[-1].server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()


def one_instance(event: Any) -> Iterator[tuple[int, Any]]:
    """Find one study, one series and one instance."""
    answer = pydicom.Dataset()
    answer.QueryRetrieveLevel = event.identifier.QueryRetrieveLevel
    answer.StudyInstanceUID, answer.SeriesInstanceUID, answer.SOPInstanceUID = "1.1", "1.2", "1.3"
    answer.SOPClassUID, answer.Modality = "1.2.840.10008.5.1.4.1.1.1.1", "DX"
    yield 0xFF00, answer


@pytest.mark.parametrize(
    ("status", "reason"),
    [(0xA700, Reason.NETWORK), (0xA900, Reason.UNREADABLE), (0xC001, Reason.UNREADABLE), (0xFE00, Reason.UNREADABLE)],
)
def test_a_search_that_does_not_succeed_is_an_error(failing_scp: Any, status: int, reason: Reason) -> None:
    url = failing_scp(lambda _event: iter([(status, None)]))
    with pytest.raises(ConversionError, match=f"{status:04X}") as caught:
        listed(url)
    assert caught.value.reason is reason


@pytest.mark.usefixtures("pacs_client")
def test_a_value_of_a_result_that_cannot_be_parsed_counts_as_none() -> None:
    from pynetdicom.dsutils import decode

    from plainfilm.sources.pacs.network_search import _text

    sequence_without_items = b"\x08\0\x60\0SQ\0\0\x05\0\0\0wrong"
    result = decode(io.BytesIO(sequence_without_items), False, True)
    assert _text(result, "Modality") == ""


def test_a_failed_sub_operation_is_an_error_of_its_instance(failing_scp: Any) -> None:
    def get(_event: Any) -> Iterator[Any]:
        yield 1
        instance = pydicom.Dataset()
        # the PACS has another class than its answer to the search says: no context was asked for
        instance.SOPClassUID, instance.SOPInstanceUID = "1.2.840.10008.5.1.4.1.1.1", "1.3"
        instance.file_meta = pydicom.dataset.FileMetaDataset()
        instance.file_meta.TransferSyntaxUID = NATIVE[0]
        yield 0xFF00, instance

    url = failing_scp(one_instance, get)
    file = listed(url)["1.1/1.2/1.3.dcm"]
    assert isinstance(file, RemoteFile)
    with pytest.raises(ConversionError, match="sub-operation") as caught:
        store(url).read(file)
    assert caught.value.reason is Reason.UNREADABLE


def test_a_pacs_that_sends_too_much_or_too_slowly_is_cut_off(
    orthanc: Pacs, orthanc_films: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    from plainfilm.sources.pacs import association

    url = f"{orthanc.network_url}/studies/{STUDY}"
    file = listed(url)[next(iter(orthanc_films))]
    assert isinstance(file, RemoteFile)
    with monkeypatch.context() as patch:
        patch.setattr(association, "LARGEST_UNKNOWN", 100)
        with pytest.raises(ConversionError) as caught:
            store(url).read(file)
        assert caught.value.reason is Reason.TOO_LARGE
    with monkeypatch.context() as patch:
        patch.setattr(association, "_PATIENCE_SECONDS", 0.0)
        patch.setattr(association, "_LEAST_RATE", 1e12)
        with pytest.raises(ConversionError, match="slowly") as caught:
            store(url).read(file)
        assert caught.value.reason is Reason.NETWORK
    assert store(url).read(file)


def many_studies(_event: Any) -> Iterator[tuple[int, Any]]:
    """Find studies without an end."""
    for number in itertools.count():
        answer = pydicom.Dataset()
        answer.StudyInstanceUID, answer.StudyDescription = f"1.{number}", "x" * 60
        yield 0xFF00, answer


@pytest.mark.parametrize(
    ("limit", "value", "message"),
    [
        ("association.LARGEST_UNKNOWN", 20_000, "the PACS sends more than 20000 bytes"),
        ("network_search._MOST_RESULTS", 50, "more than 50 results: narrow the query"),
    ],
)
def test_a_search_without_an_end_exceeds_a_limit(
    failing_scp: Any, monkeypatch: pytest.MonkeyPatch, limit: str, value: int, message: str
) -> None:
    monkeypatch.setattr(f"plainfilm.sources.pacs.{limit}", value)
    with pytest.raises(LimitError, match=message) as caught:
        listed(failing_scp(many_studies))
    assert caught.value.reason is Reason.TOO_LARGE


def test_a_pdu_that_drips_and_one_without_an_end_close_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plainfilm.sources.pacs.association.PDU_SECONDS", 0.2)
    with repeating(b"\x02\0\0\x01\0\0", b"x") as port, pytest.raises(SourceError, match="slowly") as caught:
        listed(f"dicom://PACS@127.0.0.1:{port}")
    assert caught.value.reason is Reason.NETWORK
    with repeating(b"\x02\0\xff\xff\xff\xff", b"x") as port, pytest.raises(LimitError, match="PDU of more than"):
        listed(f"dicom://PACS@127.0.0.1:{port}")


def test_many_searches_in_a_row_lose_no_answer(failing_scp: Any) -> None:
    def find(event: Any) -> Iterator[tuple[int, Any]]:
        keys = event.identifier
        for number in range(60) if keys.QueryRetrieveLevel == "STUDY" else (keys.StudyInstanceUID.split(".")[1],):
            answer = pydicom.Dataset()
            answer.StudyInstanceUID, answer.SeriesInstanceUID = f"1.{number}", f"2.{number}"
            answer.SOPInstanceUID, answer.SOPClassUID, answer.Modality = f"3.{number}", "1.2.840", "DX"
            yield 0xFF00, answer

    url = failing_scp(find)
    for _ in range(3):
        assert listed(url).keys() == {f"1.{number}/2.{number}/3.{number}.dcm" for number in range(60)}


def test_a_study_without_an_instance_is_an_error_in_its_place(failing_scp: Any) -> None:
    def find(event: Any) -> Iterator[tuple[int, Any]]:
        if event.identifier.QueryRetrieveLevel != "IMAGE":
            yield from one_instance(event)

    url = failing_scp(find)
    assert isinstance(listed(url)["not-listed-1"], ConversionError)
    assert listed(f"{url}?Modality=DX") == {}


def test_a_study_without_a_usable_uid_is_an_error_in_its_place(failing_scp: Any) -> None:
    def find(event: Any) -> Iterator[tuple[int, Any]]:
        if event.identifier.QueryRetrieveLevel == "STUDY":
            answer = pydicom.Dataset()
            answer.StudyInstanceUID = "../../x"
            yield 0xFF00, answer
        yield from one_instance(event)

    files = listed(failing_scp(find))
    assert isinstance(files.pop("not-listed-1"), ConversionError)
    assert files.keys() == {"1.1/1.2/1.3.dcm"}


def test_no_thread_outlives_the_association_for_long(orthanc: Pacs, orthanc_films: dict[str, bytes]) -> None:
    before = set(threading.enumerate())
    url = f"{orthanc.network_url}/studies/{STUDY}"
    file = listed(url)[next(iter(orthanc_films))]
    assert isinstance(file, RemoteFile)
    store(url).read(file)
    for thread in set(threading.enumerate()) - before:
        thread.join(60)
        assert not thread.is_alive()


def test_all_contexts_of_an_association_fit_into_it() -> None:
    groups = {group for classes in (likely_groups("DX"), groups_of(map(str, range(20))).values()) for group in classes}
    assert all(len(group) <= MOST_CLASSES for group in groups)
    assert 1 + MOST_CLASSES * len(SYNTAXES) <= 128
