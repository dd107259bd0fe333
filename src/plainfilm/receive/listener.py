# SPDX-License-Identifier: MIT
"""Answer C-STORE and C-ECHO: an instance is acknowledged when it is durable, and not before.

pynetdicom does the network protocol. It writes data sets to disk as they arrive (`STORE_RECV_CHUNKED_DATASET`), but
into the temporary folder of the system and without a limit, and a full disk ends its thread without an answer. For this
reason `receiving_into` puts a file of the spool in the place of the temporary file.
"""

from __future__ import annotations

import io
import logging
import re
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from plainfilm.errors import OptionsError, Reason, RunError
from plainfilm.receive.settings import ListenerSettings
from plainfilm.receive.spool import IncomingFile, Spool
from plainfilm.receive.waiting_connections import WaitingConnections
from plainfilm.sources.pacs.pdu import MOST_PDU_BYTES, PDU_SECONDS, TooSlowError, received

if TYPE_CHECKING:
    from pynetdicom.events import Event

SUCCESS = 0x0000
OUT_OF_RESOURCES = 0xA700
INVALID_INSTANCE = 0x0117
"""The statuses of a C-STORE response (PS3.4 B.2.3, PS3.7 C.5)."""

_UID = re.compile(r"[0-9.]{1,64}")
_SECONDS = 60
"""The time in which a sender must continue: a connection that is silent for longer is closed."""
_REQUEST_SECONDS = 10.0
"""The time in which a sender must ask for an association."""
_NO_LIMIT = 1 << 20
_PDU_BYTES = 1 << 17
_MOST_BYTES_IN_MEMORY = 16 << 20
"""The most bytes that one association may send without a data set that is written to disk."""


class UnusableUidError(Exception):
    """The SOP Class UID or SOP Instance UID of a request is no UID."""


class _Flow(threading.local):
    """The instance that the thread of an association receives, and the bytes since a part of it was written."""

    file: IncomingFile | None = None
    written: int = 0
    bytes_in_memory: int = 0


_flow = _Flow()


@contextmanager
def receiving_into(spool: Spool) -> Iterator[None]:
    """Let pynetdicom write data sets into files of a spool. Raises RunError if pynetdicom is not installed."""
    try:
        from pynetdicom import _config, dimse_messages
    except ImportError as error:
        message = "`plainfilm receive` needs pynetdicom: install it with `pip install 'plainfilm[pacs]'`"
        raise OptionsError(message) from error
    write_meta = dimse_messages.write_file_meta_info

    def new_file(**_: object) -> IncomingFile:
        _flow.file, _flow.written = spool.new_file(), 0
        return _flow.file

    def write_checked_meta(file: IncomingFile, meta: Any) -> None:
        try:
            for uid in (meta.MediaStorageSOPClassUID, meta.MediaStorageSOPInstanceUID):
                if not _UID.fullmatch(uid or ""):
                    raise UnusableUidError
            content = io.BytesIO()
            write_meta(content, meta)
            file.write(content.getvalue())
        except (UnusableUidError, ValueError):
            file.problem = UnusableUidError()

    names = {"NamedTemporaryFile": new_file, "write_file_meta_info": write_checked_meta}
    earlier = {name: getattr(dimse_messages, name) for name in names}
    is_chunked = _config.STORE_RECV_CHUNKED_DATASET
    _config.STORE_RECV_CHUNKED_DATASET = True
    try:
        for name, replacement in names.items():
            setattr(dimse_messages, name, replacement)
        with warnings.catch_warnings():
            # pydicom quotes values that it doubts
            warnings.simplefilter("ignore")
            yield
    finally:
        for name, original in earlier.items():
            setattr(dimse_messages, name, original)
        _config.STORE_RECV_CHUNKED_DATASET = is_chunked


class Listener:
    """A server that puts the instances of its peers into a spool.

    report: gets a line about each association that is refused, and about each instance that is not kept.
    """

    def __init__(self, spool: Spool, settings: ListenerSettings, report: Callable[[str], None]) -> None:
        self._spool = spool
        self._settings = settings
        self._report = report
        self._lock = threading.Lock()
        self._admitted = list[Any]()
        self._waiting = WaitingConnections()
        self._server: Any = None
        self.address = (settings.host, settings.port)

    @contextmanager
    def bound(self) -> Iterator[None]:
        """Take the port, and keep it until the end of the block. Raises OptionsError and RunError."""
        with receiving_into(self._spool):
            from pynetdicom import evt

            handlers = [
                (evt.EVT_CONN_OPEN, self._limit),
                (evt.EVT_REQUESTED, self._admit),
                (evt.EVT_ESTABLISHED, self._let_continue),
                (evt.EVT_C_STORE, self._store),
                (evt.EVT_CONN_CLOSE, self._forget),
            ]
            logging.getLogger("pynetdicom").setLevel(logging.CRITICAL + 1)
            self._server = self._new_server(handlers)
            self.address = self._server.server_address[:2]
            try:
                yield
            finally:
                self._server.server_close()

    @contextmanager
    def accepting(self) -> Iterator[None]:
        """Accept senders until the end of the block, which lies in that of `bound`."""
        server = self._server
        # pynetdicom looks for it here at the end
        server.ae._servers.append(server)
        thread = threading.Thread(target=server.serve_forever, name="listener", daemon=True)
        thread.start()
        try:
            yield
        finally:
            for association in server.active_associations:
                association.abort()
            server.shutdown()
            thread.join()

    def _new_server(self, handlers: Sequence[object]) -> Any:
        """The server, which has its port and accepts nothing yet. Raises OptionsError and RunError."""
        from plainfilm.receive.server import Server

        settings, entity = self._settings, self._entity()
        tls = None if settings.tls is None else settings.tls.context()
        try:
            return entity.make_server(
                (settings.host, settings.port),
                evt_handlers=handlers,
                ssl_context=tls,
                server_class=Server,
                waiting=self._waiting,
                most_seconds=_REQUEST_SECONDS,
                report=self._report,
            )
        except OSError as error:
            raise RunError(
                f"cannot listen on {settings.host} port {settings.port} ({error.strerror}): choose another --port "
                "or --host",
                reason=Reason.UNREADABLE,
            ) from error

    def _entity(self) -> Any:
        """The application entity, which accepts every storage class in every transfer syntax."""
        from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts
        from pynetdicom.sop_class import Verification

        entity = AE(self._settings.ae_title)
        entity.require_called_aet = True
        entity.require_calling_aet = sorted({peer.ae_title for peer in self._settings.peers})
        # counted by `_admit`, because pynetdicom also counts the connections without an association
        entity.maximum_associations = _NO_LIMIT
        entity.maximum_pdu_size = _PDU_BYTES
        entity.network_timeout = entity.dimse_timeout = _SECONDS
        entity.acse_timeout = _REQUEST_SECONDS
        entity.add_supported_context(Verification)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
        return entity

    def _limit(self, event: Event) -> None:
        """Limit what a connection may send: an error of `recv` closes it."""
        connection: Any = event.assoc.dul.socket

        def receive_within_limits(size: int) -> bytearray:
            file = _flow.file
            if file is not None and file.size > _flow.written:
                _flow.written, _flow.bytes_in_memory = file.size, 0
            _flow.bytes_in_memory += size
            is_too_large = file is not None and file.is_too_large
            if size > MOST_PDU_BYTES or _flow.bytes_in_memory > _MOST_BYTES_IN_MEMORY or is_too_large:
                self._report("a sender exceeds the limits: its connection is closed")
                raise OSError("more bytes than allowed")
            try:
                most_seconds = PDU_SECONDS if event.assoc.is_established else _REQUEST_SECONDS
                return received(connection.socket, size, most_seconds)
            except TooSlowError:
                self._report("a sender is too slow: its connection is closed")
                raise

        connection.recv = receive_within_limits

    def _let_continue(self, event: Event) -> None:
        """Give a sender the time to continue that one with an association has."""
        stream = event.assoc.dul.socket.socket
        # None where the sender has gone already
        if stream is not None:
            self._waiting.remove(stream)
            stream.settimeout(_SECONDS)

    def _admit(self, event: Event) -> None:
        """Reject a sender whose AE title and address are not those of one peer, or one too many."""
        peers, requestor = self._settings.peers, event.assoc.requestor
        title, address = requestor.primitive.calling_ae_title.strip(), requestor.address
        if peers and not any(peer.ae_title == title and peer.has_address(address) for peer in peers):
            self._report(f"an association from {address} was rejected: --allow-peer does not name this sender")
            # permanent, by the user of the service: the calling AE title is not recognised
            _reject(event, (0x01, 0x01, 0x03))
            return
        with self._lock:
            self._admitted = [association for association in self._admitted if association.is_alive()]
            has_room = len(self._admitted) < self._settings.associations
            if has_room:
                self._admitted.append(event.assoc)
        if not has_room:
            # for a while, by the presentation service: the local limit is exceeded
            _reject(event, (0x02, 0x03, 0x02))

    def _store(self, event: Event) -> int:
        """Answer a C-STORE request whose data set has been received."""
        file: Any = event.request._dataset_file
        try:
            self._spool.keep(file)
        except UnusableUidError:
            self._report("an instance was refused: its UIDs are no UIDs")
            return INVALID_INSTANCE
        except OSError as error:
            self._report(f"an instance could not be kept ({error.strerror or type(error).__name__}); the sender knows")
            return OUT_OF_RESOURCES
        return SUCCESS

    def _forget(self, event: Event) -> None:
        """Remove what a sender that has vanished left half received."""
        message = event.assoc.dimse.message
        file: Any = None if message is None else message._data_set_file
        if file is not None:
            file.discard()


def _reject(event: Event, answer: tuple[int, int, int]) -> None:
    """Reject an association. answer: result, source and reason (PS3.8 9.3.4)."""
    event.assoc.acse.send_reject(*answer)
    event.assoc.kill()
