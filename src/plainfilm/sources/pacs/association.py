# SPDX-License-Identifier: MIT
"""Open and close associations with one PACS in the DICOM network (PS3.7, PS3.8), and limit what it sends in them.

Whatever is not a success is an error: a PACS that does not know the AE title must not look like one without images.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, build_role, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
)

from plainfilm.errors import LimitError, OptionsError, SourceError
from plainfilm.pickling import dataclass
from plainfilm.sources.pacs.checkpoint import use_checkpoint
from plainfilm.sources.pacs.pdu import MOST_PDU_BYTES, PDU_SECONDS, TooLongError, TooSlowError, received
from plainfilm.sources.pacs.query import Level
from plainfilm.sources.store import network_error
from plainfilm.sources.web_store import LARGEST_UNKNOWN

SUCCESS = 0x0000
OUT_OF_RESOURCES = (0xA700, 0xA701, 0xA702)
"""Statuses of the responses of C-FIND and C-GET (PS3.4 C.4.1.1.4, C.4.3.1.4)."""
_LEAST_RATE, _PATIENCE_SECONDS = 16 * 1024, 20.0
_CONNECTION_SECONDS, _ACSE_SECONDS, _DIMSE_SECONDS = 10, 20, 60
_PDU_BYTES = 128 * 1024
_REJECTED_TEMPORARILY = 2
# the log records of pynetdicom with the keys and the values of a search
_LOGGER = "pynetdicom.association"


@dataclass(frozen=True, slots=True)
class Peer:
    """A PACS. title: its AE title. calling_title: the one that it knows plainfilm by."""

    host: str
    port: int
    title: str
    calling_title: str


class Traffic:
    """What a PACS sends in an association, within limits of size and time.

    is_steady: whether it must also send at a least rate, as for an instance that it has; a search can take its time.
    problem: the limit that was exceeded; the connection is closed then. None while there is none.
    """

    def __init__(self, *, is_steady: bool) -> None:
        self._is_steady = is_steady
        self.restart()

    def restart(self) -> None:
        """Count from zero: a new request begins."""
        self.problem: SourceError | LimitError | None = None
        self._count, self._started = 0, time.monotonic()

    def check(self) -> None:
        """Raise the problem, if there is one."""
        if self.problem is not None:
            raise self.problem

    def limit_pdus(self, event: Event) -> None:
        """Limit the size and the time of each PDU of a connection that was opened."""
        connection: Any = event.assoc.dul.socket
        # pynetdicom waits without an end in the middle of a PDU
        connection.socket.settimeout(_DIMSE_SECONDS)

        def receive_within_limits(size: int) -> bytearray:
            try:
                return received(connection.socket, size, PDU_SECONDS)
            except TooLongError:
                self.problem = LimitError(f"the PACS sends a PDU of more than {MOST_PDU_BYTES} bytes")
                raise
            except TooSlowError:
                self.problem = _slow_error()
                raise

        connection.recv = receive_within_limits

    def count(self, event: Event) -> None:
        """Count the bytes of a PDU, and close the connection beyond the limits."""
        self._count += len(event.data)
        seconds = time.monotonic() - self._started
        if self._count > LARGEST_UNKNOWN:
            self.problem = LimitError(f"the PACS sends more than {LARGEST_UNKNOWN} bytes")
        elif self._is_steady and seconds > _PATIENCE_SECONDS and self._count < _LEAST_RATE * seconds:
            self.problem = _slow_error()
        if self.problem is not None and event.assoc.dul.socket is not None:
            event.assoc.dul.socket.close()


def _slow_error() -> SourceError:
    return network_error("the PACS sends too slowly")


def open_association(
    peer: Peer,
    contexts: list[object],
    traffic: Traffic,
    sop_classes: tuple[str, ...] = (),
    store: Callable[[Event], int] | None = None,
) -> Association:
    """Open an association. Raises SourceError where it is rejected or not established.

    sop_classes: what the PACS may send in it; store: keeps what it sends (C-STORE).
    """
    entity = AE(ae_title=peer.calling_title)
    entity.connection_timeout, entity.acse_timeout = _CONNECTION_SECONDS, _ACSE_SECONDS
    entity.dimse_timeout = entity.network_timeout = _DIMSE_SECONDS
    handlers: list[tuple[Any, Callable[[Event], int | None]]] = [
        (evt.EVT_CONN_OPEN, traffic.limit_pdus),
        (evt.EVT_DATA_RECV, _hurry),
        (evt.EVT_DATA_RECV, traffic.count),
        (evt.EVT_DATA_SENT, _hurry),
    ]
    if store is not None:
        handlers.append((evt.EVT_C_STORE, store))
    association = entity.associate(
        peer.host,
        peer.port,
        contexts=contexts,
        ae_title=peer.title,
        max_pdu=_PDU_BYTES,
        ext_neg=[build_role(sop_class, scp_role=True) for sop_class in sop_classes],
        evt_handlers=handlers,
    )
    if association.is_established and association.accepted_contexts:
        _check_contexts(association)
        use_checkpoint(association)
        return association
    problem = traffic.problem or _rejection(association)
    close_association(association)
    raise problem


def _hurry(event: Event) -> None:
    """Make the system send and acknowledge at once: else each message waits twice for 40 ms, here and in the PACS."""
    connection = event.assoc.dul.socket
    if connection is None or connection.socket is None:
        return
    with suppress(OSError):
        connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if hasattr(socket, "TCP_QUICKACK"):
            connection.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def _check_contexts(association: Association) -> None:
    accepted = {context.abstract_syntax for context in association.accepted_contexts}
    services = {StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet}
    if accepted.isdisjoint(services):
        close_association(association)
        raise SourceError("the PACS does not offer this service to plainfilm (C-FIND and C-GET, study root)")


def _rejection(association: Association) -> SourceError:
    if association.is_rejected:
        answer = association.acceptor.primitive
        cause = f"the PACS rejects the association: {answer.reason_str.lower()}"
        if answer.result == _REJECTED_TEMPORARILY:
            return network_error(cause)
        return SourceError(f"{cause}; check both AE titles (dicom://TITLE@host:port?callingaet=TITLE)")
    if association.rejected_contexts:
        return SourceError("the PACS does not offer this service to plainfilm (C-FIND and C-GET, study root)")
    return network_error("there is no connection to the PACS")


def status_error(code: int | None, operation: str) -> SourceError:
    """The error of an operation that ends with a status that is no success; None where no response came."""
    if code is None:
        return network_error(f"the connection to the PACS ended, or it does not answer, during {operation}")
    if code in OUT_OF_RESOURCES:
        return network_error(f"the PACS has no resources for {operation} (status 0x{code:04X})")
    return SourceError(f"the PACS refuses {operation}, or cannot process it (status 0x{code:04X})")


def search_identifier(level: Level, keys: Mapping[str, str]) -> Dataset:
    """The identifier of a request at a level: of each keyword the value. Raises OptionsError."""
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level.value
    for keyword, value in keys.items():
        # a key of a sequence is asked for without items
        try:
            setattr(identifier, keyword, [] if keyword.endswith("Sequence") else value)
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise OptionsError(f"the query of the URL has a value for {keyword} that it cannot have") from None
    return identifier


def close_association(association: Association) -> None:
    """Release an association, or abort what cannot be released."""
    if not association.is_established:
        abort_association(association)
        return
    with suppress(OSError, RuntimeError, AttributeError, ValueError):
        association.release()


def abort_association(association: Association) -> None:
    """Abort an association that is open."""
    with suppress(OSError, RuntimeError, AttributeError, ValueError):
        if association.is_alive():
            association.abort()


@contextmanager
def quiet_libraries() -> Iterator[None]:
    """Suppress the log records and warnings of the libraries, which quote values, for as long as one operation."""
    logger = logging.getLogger(_LOGGER)
    thread = threading.get_ident()

    def is_from_other_thread(_record: logging.LogRecord) -> bool:
        return threading.get_ident() != thread

    logger.addFilter(is_from_other_thread)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"(?:pydicom|pynetdicom|plainfilm)(?:\.|$)")
            yield
    finally:
        logger.removeFilter(is_from_other_thread)
