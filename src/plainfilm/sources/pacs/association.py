# SPDX-License-Identifier: MIT
"""Talk to one PACS by the DICOM network protocol (PS3.7, PS3.8): find, and get one instance at a time.

Whatever is not a success is an error: a PACS that does not know the AE title must not look like one without images.
"""

from __future__ import annotations

import logging
import socket
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from typing import Any

from pydicom.dataset import Dataset
from pynetdicom import AE, build_context, build_role, evt
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
)

from plainfilm.dicom.values import VALUE_ERRORS
from plainfilm.errors import LimitError, OptionsError, Reason, SourceError
from plainfilm.pickling import dataclass
from plainfilm.sources.pacs.checkpoint import use_checkpoint
from plainfilm.sources.pacs.query import UID_KEYWORDS, Level
from plainfilm.sources.pacs.storage import SYNTAXES
from plainfilm.sources.store import network_error
from plainfilm.sources.web_store import LARGEST_UNKNOWN

_LEAST_RATE, _PATIENCE_SECONDS = 16 * 1024, 20.0
_CONNECTION_SECONDS, _ACSE_SECONDS, _DIMSE_SECONDS = 10, 20, 60
_IDLE_SECONDS = 2.0
_PDU_BYTES = 128 * 1024
_SUCCESS, _PENDING = 0x0000, (0xFF00, 0xFF01)
_SUBOPERATIONS_FAILED, _OUT_OF_RESOURCES = 0xB000, (0xA700, 0xA701, 0xA702)
_REJECTED_TEMPORARILY = 2
_MOST_RESULTS = 5_000_000
# the log records of pynetdicom with the keys and the values of a search
_LOGGER = "pynetdicom.association"


@dataclass(frozen=True, slots=True)
class Peer:
    """A PACS. title: its AE title. calling_title: the one that it knows plainfilm by."""

    host: str
    port: int
    title: str
    calling_title: str


@contextmanager
def finding_association(peer: Peer) -> Iterator[Association]:
    """Open an association in which the PACS is searched. Raises SourceError."""
    association = _open(peer, [build_context(StudyRootQueryRetrieveInformationModelFind)], ())
    try:
        yield association
    finally:
        _close(association)


def find(association: Association, level: Level, keys: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """Yield the results of a search: of each key the value, of several values the first. Raises SourceError.

    keys: the values to match; '' for keys whose value is asked for.
    """
    if not association.is_established:
        raise network_error("the connection to the PACS is closed")
    count = 0
    with _contained():
        identifier = _identifier(level, keys)
        for status, result in association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind):
            code = status.get("Status")
            if code == _SUCCESS:
                return
            if code not in _PENDING:
                raise _status_error(code, "the search")
            if result is None:
                raise network_error("a result of the search cannot be parsed")
            count += 1
            if count > _MOST_RESULTS:
                raise LimitError(f"the search has more than {_MOST_RESULTS} results: narrow the query")
            yield {keyword: _text(result, keyword) for keyword in keys}
    raise network_error("the search ends without a status")


class InstanceGetter:
    """Gets instances from a PACS, one at a time, in an association that it keeps open for further ones.

    An association that is not used for two seconds is released, so that a PACS that allows only few has room.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._association: Association | None = None
        self._key: tuple[Peer, tuple[str, ...]] | None = None
        self._timer: threading.Timer | None = None
        self._transfer = _Transfer()

    def get(self, peer: Peer, sop_classes: tuple[str, ...], uids: tuple[str, str, str]) -> bytes:
        """Return an instance as a DICOM file, with the bytes and the transfer syntax in which the PACS sends it.

        sop_classes: the SOP Classes of the association. uids: the UIDs of study, series and instance.
        Raises SourceError and LimitError.
        """
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            with ExitStack() as stack:
                # after an error its state is not known
                stack.callback(self._drop)
                content = self._get(self._opened(peer, sop_classes), uids)
                stack.pop_all()
            self._timer = threading.Timer(_IDLE_SECONDS, self.close)
            self._timer.daemon = True
            self._timer.start()
            return content

    def close(self) -> None:
        """Release the association."""
        with self._lock:
            self._drop()

    def _drop(self) -> None:
        association, self._association = self._association, None
        if association is not None:
            _close(association)

    def _opened(self, peer: Peer, sop_classes: tuple[str, ...]) -> Association:
        if self._association is None or self._key != (peer, sop_classes) or not self._association.is_established:
            self._drop()
            contexts = [build_context(StudyRootQueryRetrieveInformationModelGet)]
            contexts += [build_context(sop_class, syntax) for sop_class in sop_classes for syntax in SYNTAXES]
            self._transfer = _Transfer()
            self._association = _open(peer, contexts, sop_classes, self._transfer)
            self._key = (peer, sop_classes)
        return self._association

    def _get(self, association: Association, uids: tuple[str, str, str]) -> bytes:
        keys = dict(zip(UID_KEYWORDS.values(), uids, strict=True))
        transfer = self._transfer
        transfer.start(uids[2])
        code: int | None = None
        failures = 0
        with _contained():
            for status, _ in association.send_c_get(
                _identifier(Level.IMAGE, keys), StudyRootQueryRetrieveInformationModelGet
            ):
                code = status.get("Status")
                failures = int(status.get("NumberOfFailedSuboperations") or 0)
        if transfer.problem is not None:
            raise transfer.problem
        if code == _SUBOPERATIONS_FAILED or (failures and code in (_SUCCESS, *_OUT_OF_RESOURCES)):
            raise SourceError("the PACS cannot send this instance (its C-STORE sub-operation failed)")
        if code != _SUCCESS:
            raise _status_error(code, "the retrieval")
        if transfer.content is None:
            raise SourceError("the PACS no longer has this instance", reason=Reason.SOURCE_CHANGED)
        return transfer.content


class _Transfer:
    """What comes in while an instance is sent: its bytes, within limits of size and time."""

    def __init__(self) -> None:
        self.start("")

    def start(self, uid: str) -> None:
        """Expect an instance."""
        self._uid = uid
        self._count, self._started = 0, time.monotonic()
        self.content: bytes | None = None
        self.problem: SourceError | LimitError | None = None

    def store(self, event: Event) -> int:
        """Keep an instance that the PACS sends (C-STORE), and return the status."""
        if event.request.AffectedSOPInstanceUID != self._uid:
            self.problem = SourceError("the PACS sends another instance", reason=Reason.UNSUPPORTED_VALUE)
            return 0xC000
        self.content = event.encoded_dataset()
        return _SUCCESS

    def count(self, event: Event) -> None:
        """Count the bytes that come in for an instance, and close the connection beyond the limits."""
        if not self._uid:
            return
        self._count += len(event.data)
        seconds = time.monotonic() - self._started
        if self._count > LARGEST_UNKNOWN:
            self.problem = LimitError(f"the PACS sends more than {LARGEST_UNKNOWN} bytes")
        elif seconds > _PATIENCE_SECONDS and self._count < _LEAST_RATE * seconds:
            self.problem = network_error("the PACS sends too slowly")
        if self.problem is not None and event.assoc.dul.socket is not None:
            event.assoc.dul.socket.close()


def _open(
    peer: Peer, contexts: list[object], sop_classes: tuple[str, ...], transfer: _Transfer | None = None
) -> Association:
    """Open an association. Raises SourceError where it is rejected or not established."""
    entity = AE(ae_title=peer.calling_title)
    entity.connection_timeout, entity.acse_timeout = _CONNECTION_SECONDS, _ACSE_SECONDS
    entity.dimse_timeout = entity.network_timeout = _DIMSE_SECONDS
    handlers: list[tuple[Any, Callable[[Event], int | None]]]
    handlers = [(evt.EVT_DATA_RECV, _hurry), (evt.EVT_DATA_SENT, _hurry)]
    if transfer is not None:
        handlers += [(evt.EVT_C_STORE, transfer.store), (evt.EVT_DATA_RECV, transfer.count)]
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
    problem = _rejection(association)
    _close(association)
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
        _close(association)
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


def _status_error(code: int | None, operation: str) -> SourceError:
    if code is None:
        return network_error(f"the connection to the PACS ended, or it does not answer, during {operation}")
    if code in _OUT_OF_RESOURCES:
        return network_error(f"the PACS has no resources for {operation} (status 0x{code:04X})")
    return SourceError(f"the PACS refuses {operation}, or cannot process it (status 0x{code:04X})")


def _identifier(level: Level, keys: Mapping[str, str]) -> Dataset:
    identifier = Dataset()
    identifier.QueryRetrieveLevel = level.value
    for keyword, value in keys.items():
        # a key of a sequence is asked for without items
        try:
            setattr(identifier, keyword, [] if keyword.endswith("Sequence") else value)
        except (ValueError, TypeError, AttributeError, OverflowError):
            raise OptionsError(f"the query of the URL has a value for {keyword} that it cannot have") from None
    return identifier


def _text(result: Dataset, keyword: str) -> str:
    """The first value of an attribute, as text."""
    try:
        value = result.get(keyword)
    except (*VALUE_ERRORS, RecursionError):
        return ""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        value = value[0] if value else ""
    return "" if value is None else str(value).strip("\0 ")


def _close(association: Association) -> None:
    """Release an association, or abort what cannot be released."""
    with suppress(OSError, RuntimeError, AttributeError, ValueError):
        if association.is_established:
            association.release()
        elif association.is_alive():
            association.abort()


@contextmanager
def _contained() -> Iterator[None]:
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
