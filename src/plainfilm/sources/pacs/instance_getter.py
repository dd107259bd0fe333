# SPDX-License-Identifier: MIT
"""Get instances from a PACS in the DICOM network, one at a time (C-GET, PS3.4 C.4.3)."""

from __future__ import annotations

import threading
from contextlib import ExitStack

from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.events import Event
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet

from plainfilm.errors import Reason, SourceError
from plainfilm.sources.pacs.association import (
    OUT_OF_RESOURCES,
    SUCCESS,
    Peer,
    Traffic,
    close_association,
    open_association,
    quiet_libraries,
    search_identifier,
    status_error,
)
from plainfilm.sources.pacs.query import UID_KEYWORDS, Level
from plainfilm.sources.pacs.storage import SYNTAXES

_IDLE_SECONDS = 2.0
_SUBOPERATIONS_FAILED = 0xB000
_CANNOT_UNDERSTAND = 0xC000


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
            close_association(association)

    def _opened(self, peer: Peer, sop_classes: tuple[str, ...]) -> Association:
        if self._association is None or self._key != (peer, sop_classes) or not self._association.is_established:
            self._drop()
            contexts = [build_context(StudyRootQueryRetrieveInformationModelGet)]
            contexts += [build_context(sop_class, syntax) for sop_class in sop_classes for syntax in SYNTAXES]
            self._transfer = _Transfer()
            self._association = open_association(peer, contexts, self._transfer, sop_classes, self._transfer.store)
            self._key = (peer, sop_classes)
        return self._association

    def _get(self, association: Association, uids: tuple[str, str, str]) -> bytes:
        keys = dict(zip(UID_KEYWORDS.values(), uids, strict=True))
        transfer = self._transfer
        transfer.start(uids[2])
        code: int | None = None
        failures = 0
        with quiet_libraries():
            for status, _ in association.send_c_get(
                search_identifier(Level.IMAGE, keys), StudyRootQueryRetrieveInformationModelGet
            ):
                code = status.get("Status")
                failures = int(status.get("NumberOfFailedSuboperations") or 0)
        transfer.check()
        if code == _SUBOPERATIONS_FAILED or (failures and code in (SUCCESS, *OUT_OF_RESOURCES)):
            raise SourceError("the PACS cannot send this instance (its C-STORE sub-operation failed)")
        if code != SUCCESS:
            raise status_error(code, "the retrieval")
        if transfer.content is None:
            raise SourceError("the PACS no longer has this instance", reason=Reason.SOURCE_CHANGED)
        return transfer.content


class _Transfer(Traffic):
    """What comes in while an instance is sent: its bytes, within limits of size and time."""

    def __init__(self) -> None:
        super().__init__(is_steady=True)
        self.start("")

    def start(self, uid: str) -> None:
        """Expect an instance."""
        self._uid = uid
        self.content: bytes | None = None
        self.restart()

    def count(self, event: Event) -> None:
        """Count the bytes that come in for an instance, and not those of the negotiation before the first one."""
        if self._uid:
            super().count(event)

    def store(self, event: Event) -> int:
        """Keep an instance that the PACS sends (C-STORE), and return the status."""
        if event.request.AffectedSOPInstanceUID != self._uid:
            self.problem = SourceError("the PACS sends another instance", reason=Reason.UNSUPPORTED_VALUE)
            return _CANNOT_UNDERSTAND
        self.content = event.encoded_dataset()
        return SUCCESS
