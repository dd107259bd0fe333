# SPDX-License-Identifier: MIT
"""Instances of a DICOMweb server: found by QIDO-RS, read by WADO-RS one by one (PS3.18 10.4 and 10.6).

No URL that the server names (Retrieve URL, BulkDataURI) is used: the URLs of the requests follow from the UIDs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import islice
from typing import Any, TypeAlias

from dicomweb_client.web import DICOMwebClient

from plainfilm.errors import ConversionError, SourceError
from plainfilm.sources.pacs.credentials import auth_of, with_credentials
from plainfilm.sources.pacs.multipart import instance_in
from plainfilm.sources.pacs.query import Level, PacsQuery, empty_study_error, instance_url, parse_pacs_url, split_place
from plainfilm.sources.pacs.search import PAGE_SIZE, Match, Page, matches, page_of
from plainfilm.sources.pacs.web_session import NotAcceptedError, WebSession
from plainfilm.sources.remote_file import RemoteFile, RemoteUrl
from plainfilm.sources.remote_tree import NOT_LISTED
from plainfilm.sources.store import NetworkRetries, network_error

_LARGEST_PAGE = 64 * 1024**2
_MORE_RESULTS = "additional results"
_COUNT_FIELDS = {Level.STUDY: "NumberOfStudyRelatedInstances", Level.SERIES: "NumberOfSeriesRelatedInstances"}
# what is asked for first keeps the bytes as they are stored; older servers know only the later forms
_ACCEPTS = (
    'multipart/related; type="application/dicom"; transfer-syntax=*',
    'multipart/related; type="application/dicom"',
    "application/dicom",
)


Uids: TypeAlias = tuple[str, str, str]
"""The Study, Series and SOP Instance UID of an instance."""


_Result: TypeAlias = Match | SourceError


class DicomWebStore:
    """The instances of one DICOMweb server, for one user; see `store.Store`."""

    is_shared = True

    def __init__(self, url: RemoteUrl) -> None:
        self._origin = f"{url.scheme.removeprefix('dicomweb+')}://{url.host}"
        self._retries = NetworkRetries()
        self._session = WebSession(self._origin, auth_of(url))
        self._accept = 0

    def list(self, url: RemoteUrl) -> Iterator[tuple[str, RemoteFile | ConversionError]]:
        """Yield the instances that match the query of a URL, by study, series and instance.

        What cannot be searched is an error in their place. Raises SourceError where no study can be searched.
        """
        query, signed_url = parse_pacs_url(url), with_credentials(url)
        search = _Search(self._origin, signed_url, query, self._retries)
        for place, uids in search.instances():
            if isinstance(uids, ConversionError):
                yield place, uids
            else:
                yield ("" if query.is_instance else place), RemoteFile(instance_url(signed_url, query.base, uids))

    def read(self, file: RemoteFile, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of an instance, as the server stores them."""
        content = self._retries.call(lambda: self._retrieve(file.url))
        return content if start == 0 and stop is None else content[start:stop]

    def _retrieve(self, url: RemoteUrl) -> bytes:
        uid = split_place(url.path)[1][Level.IMAGE]
        for number in range(self._accept, len(_ACCEPTS)):
            try:
                answer = self._session.fetch(f"{self._origin}{url.path}", {"Accept": _ACCEPTS[number]})
            except NotAcceptedError:
                if number + 1 < len(_ACCEPTS):
                    continue
                raise
            self._accept = number
            return instance_in(answer.body, answer.content_type, uid)
        raise AssertionError("the last form of the request returns or raises")


class _Search:
    """One search of a server: its studies, and of each study its instances."""

    def __init__(self, origin: str, url: RemoteUrl, query: PacsQuery, retries: NetworkRetries) -> None:
        self._session = WebSession(origin, auth_of(url), _LARGEST_PAGE)
        # the paths of the searches follow `base`; all else of the URL stays out of the client and of its log
        self._client = DICOMwebClient(origin + query.base, session=self._session, permissive_uid=True)
        self._client.set_http_retry_params(retry=False)
        self._query = query
        self._retries = retries

    def instances(self) -> Iterator[tuple[str, Uids | ConversionError]]:
        """Yield the place of each instance with its UIDs, or an error for what cannot be searched."""
        count = 0
        try:
            for study in islice(self._matches(Level.STUDY, self._client.search_for_studies), self._query.limit):
                count += 1
                if isinstance(study, ConversionError):
                    yield f"{NOT_LISTED}-{count}", study
                else:
                    yield from self._places_of(study)
        except ConversionError as error:
            if not count:
                raise
            yield NOT_LISTED, error

    def _places_of(self, study: Match) -> Iterator[tuple[str, Uids | ConversionError]]:
        """Yield the instances of a study, and errors in their place."""
        count = 0
        try:
            for item in self._instances_of(study):
                count += 1
                if isinstance(item, ConversionError):
                    yield f"{study.uid}/{NOT_LISTED}-{count}", item
                else:
                    yield f"{'/'.join(item)}.dcm", item
            if not count and self._query.is_of_whole_studies:
                raise empty_study_error()
        except ConversionError as error:
            yield f"{study.uid}/{NOT_LISTED}", error

    def _instances_of(self, study: Match) -> Iterator[Uids | ConversionError]:
        """Yield the UIDs of the instances of a study, with one search if the series do not matter."""
        if not self._query.filters[Level.SERIES]:
            search = partial(self._client.search_for_instances, study.uid)
            found = list(self._matches(Level.IMAGE, search, study.instances))
            if all(isinstance(item, ConversionError) or item.series for item in found):
                for item in found:
                    yield item if isinstance(item, ConversionError) else (study.uid, item.series, item.uid)
                return
        for series in self._matches(Level.SERIES, partial(self._client.search_for_series, study.uid)):
            if isinstance(series, ConversionError):
                yield series
                continue
            search = partial(self._client.search_for_instances, study.uid, series.uid)
            for item in self._matches(Level.IMAGE, search, series.instances):
                yield item if isinstance(item, ConversionError) else (study.uid, series.uid, item.uid)

    def _matches(self, level: Level, search: Callable[..., object], expected: int | None = None) -> Iterator[_Result]:
        """Yield the results of a search at a level. expected: their number without filters, where it is known."""
        filters = self._query.filters[level]

        def page_at(position: int) -> Page:
            found = self._retries.call(
                lambda: _searched(
                    search,
                    limit=PAGE_SIZE,
                    offset=position,
                    fuzzymatching=self._query.is_fuzzy or None,
                    search_filters=filters or None,
                    fields=[_COUNT_FIELDS[level]] if level in _COUNT_FIELDS else None,
                )
            )
            warning = self._session.answer.warning
            return page_of(found), "299" in warning and _MORE_RESULTS in warning.lower()

        return matches(level, self._query, page_at, None if filters else expected)


def _searched(search: Callable[..., object], **options: Any) -> object:
    """The answer of a search. Raises SourceError."""
    try:
        return search(**options)
    except (ValueError, TypeError, AttributeError, RecursionError):
        # of the JSON decoder, whose text quotes the answer
        pass
    raise network_error("the answer to the search is not DICOM JSON")
