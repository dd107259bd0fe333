# SPDX-License-Identifier: MIT
"""Instances of a PACS in the DICOM network: found by C-FIND, read by C-GET one by one (PS3.4 C.4.1 and C.4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from urllib.parse import unquote

from plainfilm.errors import ConversionError, OptionsError, Reason, SourceError
from plainfilm.pickling import dataclass
from plainfilm.sources.pacs.association import Peer
from plainfilm.sources.pacs.instance_getter import InstanceGetter
from plainfilm.sources.pacs.network_search import NetworkSearch, searching
from plainfilm.sources.pacs.query import (
    UID,
    UID_KEYWORDS,
    Level,
    PacsQuery,
    empty_study_error,
    instance_url,
    invalid_uid_error,
    parse_pacs_url,
    split_place,
)
from plainfilm.sources.pacs.storage import groups_of, likely_groups
from plainfilm.sources.remote_file import RemoteFile, RemoteUrl
from plainfilm.sources.remote_tree import NOT_LISTED
from plainfilm.sources.store import NetworkRetries, retry_network

_DEFAULT_PORT = 104
_LARGEST_PORT = 65535
_STUDY, _SERIES, _INSTANCE = UID_KEYWORDS.values()
_ASKED: dict[Level, tuple[str, ...]] = {Level.STUDY: (), Level.SERIES: ("Modality",), Level.IMAGE: ("SOPClassUID",)}


@dataclass(frozen=True, slots=True)
class NetworkFile(RemoteFile):
    """An instance of a PACS.

    groups: the SOP Classes of the association in which it is sent; further groups to try where its own class is not
    known. calling_title: the AE title with which plainfilm presents itself.
    """

    groups: tuple[tuple[str, ...], ...] = ()
    calling_title: str = ""


@dataclass(frozen=True, slots=True)
class _Found:
    """An instance that a search has found."""

    uids: tuple[str, str, str]
    modality: str
    sop_class: str


class NetworkStore:
    """The instances of one PACS; see `store.Store`."""

    is_shared = True

    def __init__(self, url: RemoteUrl) -> None:
        self._host, self._port, self._title = _address(url)
        self._retries = NetworkRetries()
        self._getter = InstanceGetter()

    def list(self, url: RemoteUrl) -> Iterator[tuple[str, RemoteFile | ConversionError]]:
        """Yield the instances that match the query of a URL, by study, series and instance. Raises SourceError."""
        query = parse_pacs_url(url)
        if query.base:
            raise OptionsError("a dicom:// URL has no path but /studies/UID/series/UID/instances/UID")
        peer = Peer(self._host, self._port, self._title, query.calling_title)
        found = retry_network(lambda: list(_search(peer, query)))
        instances = [item for item in found if isinstance(item, _Found)]
        groups = groups_of(item.sop_class for item in instances if item.sop_class)
        for number, item in enumerate(found, 1):
            if isinstance(item, ConversionError):
                yield f"{NOT_LISTED}-{number}", item
                continue
            place = "" if query.is_instance else f"{'/'.join(item.uids)}.dcm"
            own = (groups[item.sop_class],) if item.sop_class else likely_groups(item.modality)
            file_url = instance_url(url, query.base, item.uids)
            yield place, NetworkFile(file_url, groups=own, calling_title=query.calling_title)

    def read(self, file: RemoteFile, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of an instance, as the PACS stores them."""
        assert isinstance(file, NetworkFile)
        content = self._retries.call(lambda: self._get(file))
        return content if start == 0 and stop is None else content[start:stop]

    def _get(self, file: NetworkFile) -> bytes:
        """Get an instance in the first association in which the PACS can send it."""
        peer = Peer(self._host, self._port, self._title, file.calling_title)
        study, series, instance = split_place(file.url.path)[1].values()
        problem: SourceError | None = None
        for group in file.groups:
            try:
                return self._getter.get(peer, group, (study, series, instance))
            except SourceError as error:
                if error.reason is not Reason.UNREADABLE:
                    raise
                problem = problem or error
        assert problem is not None
        raise problem


def _search(peer: Peer, query: PacsQuery) -> Iterator[_Found | ConversionError]:
    """Search studies, of each study its series, of each series its instances."""
    with searching(peer) as search:
        studies = _found(search, query, Level.STUDY, {})
        for study in islice(studies, query.limit):
            if isinstance(study, ConversionError):
                yield study
            else:
                found = list(_instances_of(search, query, study))
                yield from found
                if not found and query.is_of_whole_studies:
                    yield empty_study_error()


def _instances_of(search: NetworkSearch, query: PacsQuery, study: dict[str, str]) -> Iterator[_Found | ConversionError]:
    """Search the series of a study, and of each series the instances."""
    of_study = {_STUDY: study[_STUDY]}
    for series in _found(search, query, Level.SERIES, of_study):
        if isinstance(series, ConversionError):
            yield series
            continue
        of_series = {**of_study, _SERIES: series[_SERIES]}
        for instance in _found(search, query, Level.IMAGE, of_series):
            if isinstance(instance, ConversionError):
                yield instance
                continue
            uids = (study[_STUDY], series[_SERIES], instance[_INSTANCE])
            yield _Found(uids, series["Modality"], instance["SOPClassUID"])


def _found(
    search: NetworkSearch, query: PacsQuery, level: Level, parents: dict[str, str]
) -> Iterator[dict[str, str] | ConversionError]:
    """Yield each result of one level once. The results are read first: an association has one search at a time."""
    keyword = UID_KEYWORDS[level]
    keys = {keyword: "", **dict.fromkeys(_ASKED[level], ""), **query.filters[level], **parents}
    seen = set[str]()
    for result in list(search.find(level, keys)):
        uid = result[keyword]
        if uid in seen or not query.admits(level, {name: [value] for name, value in result.items() if value}):
            continue
        seen.add(uid)
        yield result if UID.fullmatch(uid) else invalid_uid_error(level)


def _address(url: RemoteUrl) -> tuple[str, int, str]:
    """The host, the port and the AE title of the PACS. Raises OptionsError."""
    host, colon, port = url.host.rpartition(":")
    if not colon or url.host.endswith("]"):
        host, port = url.host, str(_DEFAULT_PORT)
    title = unquote(url.user_info)
    if not title or len(title) > 16 or not title.isascii() or not title.isprintable() or "\\" in title:
        raise OptionsError("a dicom:// URL has the form dicom://AET@host:port: the AE title of the PACS is missing")
    if not port.isdecimal() or not 0 < int(port) <= _LARGEST_PORT:
        raise OptionsError("a dicom:// URL has the form dicom://AET@host:port: the port is no number")
    return host.strip("[]"), int(port), title.strip()
