# SPDX-License-Identifier: MIT
"""A listener acknowledges what it has kept, refuses what it must not keep, and survives its senders."""

from __future__ import annotations

import io
import itertools
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydicom import dcmread
from tests.support.processes import wait_until
from tests.support.senders import associate, instance, received_uids, store

from plainfilm.errors import RunError
from plainfilm.receive.listener import INVALID_INSTANCE, OUT_OF_RESOURCES, SUCCESS, Listener
from plainfilm.receive.settings import ListenerSettings, Peer, TlsSettings
from plainfilm.receive.spool import INCOMING, RECEIVED, Spool

pytestmark = pytest.mark.usefixtures("pacs_client")


@contextmanager
def listening(out: Path, **settings: Any) -> Iterator[tuple[int, list[str]]]:
    """The port of a listener, and what it reports."""
    given, reports = ListenerSettings(port=0, **settings), list[str]()
    out.mkdir(exist_ok=True)
    spool = Spool(out, given.most_bytes)
    listener = Listener(spool, given, reports.append)
    with listener.bound(), spool.opened(), listener.accepting():
        yield listener.address[1], reports


def parts(out: Path) -> list[Path]:
    return list((out / INCOMING).glob("*.part"))


def test_an_acknowledged_instance_is_a_file_with_its_data_set(tmp_path: Path) -> None:
    sent = instance(1)
    with listening(tmp_path) as (port, _):
        association = associate(port)
        assert association.send_c_echo().Status == SUCCESS
        assert store(association, sent) == SUCCESS
        (path,) = (tmp_path / RECEIVED).rglob("*.dcm")
        association.release()
    kept = dcmread(path)
    assert kept.file_meta.TransferSyntaxUID == sent.file_meta.TransferSyntaxUID
    assert kept.file_meta.MediaStorageSOPInstanceUID == kept.SOPInstanceUID == sent.SOPInstanceUID
    np.testing.assert_array_equal(kept.pixel_array, sent.pixel_array)


def test_an_instance_that_is_sent_again_is_kept_once(tmp_path: Path) -> None:
    with listening(tmp_path) as (port, _):
        for _ in range(2):
            association = associate(port)
            assert store(association, instance(1)) == SUCCESS
            association.release()
    assert len(list((tmp_path / RECEIVED).rglob("*.dcm"))) == 1


@pytest.mark.parametrize("uid", ["../../x", "/etc/passwd", "1.2.3 4", "A^B", "1." * 250])
def test_a_hostile_uid_names_no_path(tmp_path: Path, uid: str) -> None:
    out = tmp_path / "a" / "b" / "out"
    out.parent.mkdir(parents=True)
    hostile = instance(1)
    hostile.SOPInstanceUID = uid
    with listening(out) as (port, _):
        before = sorted(tmp_path.rglob("*"))
        association = associate(port)
        try:
            status = store(association, hostile)
        except ValueError:
            # pynetdicom itself sends no UID of more than 64 characters
            assert len(uid) > 64
        else:
            assert status == INVALID_INSTANCE
        association.abort()
        wait_until(lambda: sorted(tmp_path.rglob("*")) == before)
        association = associate(port)
        assert store(association, instance(2)) == SUCCESS
        association.release()
    assert received_uids(out) == {"1.2.826.0.1.2"}


def test_a_long_uid_of_a_sender_without_checks_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pynetdicom import dimse_primitives

    hostile = instance(1)
    hostile.SOPInstanceUID = "1." * 250
    with listening(tmp_path) as (port, _):
        association = associate(port)
        monkeypatch.setattr(dimse_primitives, "set_uid", lambda value, *_, **__: value)
        assert store(association, hostile) in (INVALID_INSTANCE, None)
        monkeypatch.undo()
        association.abort()
        association = associate(port)
        assert store(association, instance(2)) == SUCCESS
        association.release()
    assert received_uids(tmp_path) == {"1.2.826.0.1.2"}
    assert parts(tmp_path) == []


def test_an_instance_that_is_too_large_is_not_acknowledged(tmp_path: Path) -> None:
    with listening(tmp_path, most_bytes=20_000) as (port, _):
        association = associate(port)
        assert store(association, instance(1, rows=400, columns=400)) in (OUT_OF_RESOURCES, None)
        association.abort()
        association = associate(port)
        assert store(association, instance(2, rows=16, columns=16)) == SUCCESS
        association.release()
    assert received_uids(tmp_path) == {"1.2.826.0.1.2"}
    assert parts(tmp_path) == []


def test_a_sender_that_vanishes_leaves_nothing_and_disturbs_no_other(tmp_path: Path) -> None:
    from pynetdicom.dimse_messages import C_STORE_RQ
    from pynetdicom.dimse_primitives import C_STORE
    from pynetdicom.dsutils import encode

    dataset = instance(1, rows=600, columns=600)
    request = C_STORE()
    request.MessageID, request.Priority = 1, 2
    request.AffectedSOPClassUID, request.AffectedSOPInstanceUID = dataset.SOPClassUID, dataset.SOPInstanceUID
    request.DataSet = io.BytesIO(encode(dataset, False, True))
    message = C_STORE_RQ()
    message.primitive_to_message(request)
    with listening(tmp_path) as (port, _):
        association = associate(port)
        context = association.accepted_contexts[0].context_id
        for part in itertools.islice(message.encode_msg(context, 16_000), 5):
            association.dul.send_pdu(part)
        wait_until(lambda: parts(tmp_path) != [])
        association.dul.socket.close()
        other = associate(port)
        assert store(other, instance(2)) == SUCCESS
        other.release()
        wait_until(lambda: parts(tmp_path) == [])
    assert received_uids(tmp_path) == {"1.2.826.0.1.2"}


def test_a_pdu_of_four_gigabytes_ends_the_connection(tmp_path: Path) -> None:
    with listening(tmp_path) as (port, reports):
        with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
            connection.sendall(b"\x01\0\xff\xff\xff\xff" + bytes(100))
            wait_until(lambda: reports != [])
        association = associate(port)
        assert association.is_established
        association.release()
    assert "exceeds the limits" in reports[0]


def test_a_sender_that_drips_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plainfilm.receive.listener._REQUEST_SECONDS", 0.2)

    def is_closed() -> bool:
        try:
            connection.sendall(b"x")
        except OSError:
            return True
        return False

    with (
        listening(tmp_path) as (port, reports),
        socket.create_connection(("127.0.0.1", port), timeout=60) as connection,
    ):
        connection.sendall(b"\x01\0\0\1\0\0")
        wait_until(is_closed)
    assert "too slow" in reports[0]


def test_another_called_ae_title_is_rejected(tmp_path: Path) -> None:
    with listening(tmp_path, ae_title="RECEIVER") as (port, _):
        assert associate(port, called="PLAINFILM").is_rejected
        association = associate(port, called="RECEIVER")
        assert association.is_established
        association.release()


@pytest.mark.parametrize(
    ("peer", "is_accepted"),
    [(Peer("SENDER", "127.0.0.1"), True), (Peer("OTHER", "127.0.0.1"), False), (Peer("SENDER", "127.0.0.2"), False)],
)
def test_only_the_peers_that_are_named_may_send(tmp_path: Path, peer: Peer, is_accepted: bool) -> None:
    with listening(tmp_path, peers=(peer,)) as (port, _):
        association = associate(port)
        assert (association.is_established, association.is_rejected) == (is_accepted, not is_accepted)
        if is_accepted:
            association.release()


def test_there_are_no_more_associations_than_allowed(tmp_path: Path) -> None:
    with listening(tmp_path, associations=3) as (port, _):
        associations = [associate(port) for _ in range(20)]
        established = [association for association in associations if association.is_established]
        assert len(established) == 3
        assert all(store(association, instance(number)) == SUCCESS for number, association in enumerate(established))
        for association in established:
            association.release()
        wait_until(lambda: associate(port).is_established)


def test_a_port_that_is_taken_is_an_error(tmp_path: Path) -> None:
    with listening(tmp_path / "a") as (port, _):
        listener = Listener(Spool(tmp_path / "b", 1000), ListenerSettings(port=port), lambda _: None)
        message = f"cannot listen on 127.0.0.1 port {port}"
        with pytest.raises(RunError, match=message), listener.bound():
            pass


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> tuple[TlsSettings, ssl.SSLContext]:
    """A certificate for the listener, and the context of a sender that trusts it."""
    folder = tmp_path_factory.mktemp("tls")
    certificate, key = folder / "cert.pem", folder / "key.pem"
    words = ["-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run(["openssl", "req", *words, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    context = ssl.create_default_context(cafile=str(certificate))
    context.check_hostname = False
    return TlsSettings(certificate, key), context


def test_a_connection_is_encrypted_on_demand(tmp_path: Path, tls: tuple[TlsSettings, ssl.SSLContext]) -> None:
    with listening(tmp_path, tls=tls[0]) as (port, reports):
        association = associate(port, tls_args=(tls[1], None))
        assert store(association, instance(1)) == SUCCESS
        association.release()
        plain = associate(port)
        assert not plain.is_established
    assert received_uids(tmp_path) == {"1.2.826.0.1.1"}
    assert reports == ["a connection from 127.0.0.1 is closed: TLS cannot be negotiated"]


@contextmanager
def silent_connections(port: int, count: int) -> Iterator[list[socket.socket]]:
    """Connections over which nothing is sent."""
    with ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60)) for _ in range(count)]


@pytest.mark.parametrize("has_tls", [False, True])
def test_silent_connections_keep_no_sender_away(
    tmp_path: Path, tls: tuple[TlsSettings, ssl.SSLContext], has_tls: bool
) -> None:
    settings = {"tls": tls[0]} if has_tls else {}
    with listening(tmp_path, associations=2, **settings) as (port, _), silent_connections(port, 30):
        association = associate(port, **({"tls_args": (tls[1], None)} if has_tls else {}))
        assert store(association, instance(1)) == SUCCESS
        association.release()
    assert received_uids(tmp_path) == {"1.2.826.0.1.1"}


def test_of_too_many_silent_connections_the_oldest_are_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from plainfilm.receive.server import Server

    made, make = list[Any](), Server.finish_request
    monkeypatch.setattr(Server, "finish_request", lambda *arguments: made.append(arguments) or make(*arguments))
    monkeypatch.setattr("plainfilm.receive.waiting_connections.MOST_WAITING", 5)
    with listening(tmp_path) as (port, _), silent_connections(port, 8) as connections:
        assert [connection.recv(1) for connection in connections[:3]] == [b""] * 3
        association = associate(port)
        assert association.is_established
        association.release()
        assert len(made) == 1, "no association is made of a connection that was ended"
        connections[-1].settimeout(0.0)
        with pytest.raises(BlockingIOError):
            connections[-1].recv(1)


@pytest.mark.parametrize("content", [b"", b"\x01\0\0"], ids=["nothing", "half a header"])
def test_a_connection_without_a_request_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: bytes
) -> None:
    monkeypatch.setattr("plainfilm.receive.listener._REQUEST_SECONDS", 0.2)
    with listening(tmp_path) as (port, _), silent_connections(port, 1) as (connection,):
        connection.sendall(content)
        assert connection.recv(1) == b""
