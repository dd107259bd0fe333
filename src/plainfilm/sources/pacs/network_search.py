# SPDX-License-Identifier: MIT
"""Search a PACS in the DICOM network (C-FIND, PS3.4 C.4.1), within limits of the results and of their bytes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

from pydicom.dataset import Dataset
from pynetdicom import build_context
from pynetdicom.association import Association
from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind

from plainfilm.dicom.values import VALUE_ERRORS
from plainfilm.errors import LimitError
from plainfilm.sources.pacs.association import (
    SUCCESS,
    Peer,
    Traffic,
    abort_association,
    close_association,
    open_association,
    quiet_libraries,
    search_identifier,
    status_error,
)
from plainfilm.sources.pacs.query import Level
from plainfilm.sources.store import network_error

_PENDING = (0xFF00, 0xFF01)
_MOST_RESULTS = 5_000_000


class NetworkSearch:
    """The searches of one association. The limits are those of all its searches together."""

    def __init__(self, association: Association, traffic: Traffic) -> None:
        self._association = association
        self._traffic = traffic
        self._count = 0

    def find(self, level: Level, keys: Mapping[str, str]) -> Iterator[dict[str, str]]:
        """Yield the results of a search: of each key the value, of several values the first.

        keys: the values to match; '' for keys whose value is asked for. Raises SourceError and LimitError.
        """
        if not self._association.is_established:
            raise self._traffic.problem or network_error("the connection to the PACS is closed")
        with quiet_libraries():
            identifier = search_identifier(level, keys)
            for status, result in self._association.send_c_find(identifier, StudyRootQueryRetrieveInformationModelFind):
                self._traffic.check()
                code = status.get("Status")
                if code == SUCCESS:
                    return
                if code not in _PENDING:
                    raise status_error(code, "the search")
                if result is None:
                    raise network_error("a result of the search cannot be parsed")
                self._count_result()
                yield {keyword: _text(result, keyword) for keyword in keys}
        self._traffic.check()
        raise network_error("the search ends without a status")

    def _count_result(self) -> None:
        self._count += 1
        if self._count > _MOST_RESULTS:
            raise LimitError(f"the search has more than {_MOST_RESULTS} results: narrow the query")


@contextmanager
def searching(peer: Peer) -> Iterator[NetworkSearch]:
    """Open an association in which the PACS is searched. Raises SourceError."""
    traffic = Traffic(is_steady=False)
    association = open_association(peer, [build_context(StudyRootQueryRetrieveInformationModelFind)], traffic)
    with ExitStack() as stack:
        # after an error, results may still come in
        stack.callback(abort_association, association)
        yield NetworkSearch(association, traffic)
        stack.pop_all()
        close_association(association)


def _text(result: Dataset, keyword: str) -> str:
    """The first value of an attribute, as text."""
    try:
        value = result.get(keyword)
    except (*VALUE_ERRORS, RecursionError):
        return ""
    if isinstance(value, (list, tuple)) or type(value).__name__ == "MultiValue":
        value = value[0] if value else ""
    return "" if value is None else str(value).strip("\0 ")
