# SPDX-License-Identifier: MIT
"""List the files of URLs as folders, with the same names as a local folder gives them."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from plainfilm.errors import ConversionError, Reason, SourceError, SourceMissingError, Stage, with_os_error
from plainfilm.pickling import dataclass
from plainfilm.records import Failure, Status
from plainfilm.sources.entries import Entry, EntryKind
from plainfilm.sources.pacs.query import service_url
from plainfilm.sources.path_tree import PathTree
from plainfilm.sources.remote_file import RemoteFile, RemoteUrl, parse_url
from plainfilm.sources.scheme import check_scheme, is_searched
from plainfilm.sources.store import store_of, with_content

NOT_LISTED = "not-listed"
"""The name of the row of a search that fails, among the files of another search."""


@dataclass(frozen=True, slots=True, eq=False)
class RemoteFiles:
    """The files below one URL, or those of a list of URLs.

    tree: their paths relative to it. files: of each path, the file, or why it is not read.
    only_file: the file whose own URL it is. is_search: whether they are the results of a search.
    folder: the URL of a folder, without `/` at its end, below which all files are listed; '' for none.
    is_list: whether they come from a list, so that their deepest common folder has no name of its own.
    error: why they cannot be listed at all.
    """

    tree: PathTree
    files: Sequence[RemoteFile | ConversionError]
    is_list: bool = False
    error: ConversionError | None = None
    only_file: RemoteFile | None = None
    is_search: bool = False
    folder: str = ""

    def entries(self, place: str, argument: int) -> Iterator[Entry]:
        """Yield the entries of a folder ('' for the top). Raises SourceError where the files cannot be listed."""
        if self.error is not None:
            raise self.error
        for child in self.tree.children(place):
            kind = EntryKind.FOLDER
            if child.position is not None:
                is_problem = isinstance(self.files[child.position], ConversionError)
                kind = EntryKind.REFUSED if is_problem else EntryKind.FILE
            yield Entry(child.name, kind, argument)

    def file_at(self, place: str) -> RemoteFile:
        """Return the file of a path."""
        file = self._at(place)
        assert isinstance(file, RemoteFile)
        return file

    def listed_files(self) -> Iterator[RemoteFile]:
        """Yield the files that can be read."""
        return (file for file in self.files if isinstance(file, RemoteFile))

    def failure_at(self, place: str, source: str) -> Failure:
        """Return the row of a path that is not read."""
        problem = self._at(place)
        assert isinstance(problem, ConversionError)
        return Failure(source, None, Status.FAILED, problem.reason, Stage.LIST, problem.message)

    def has(self, path: Path) -> bool:
        """Whether one of the files has the URL that a path stands for."""
        return any(isinstance(file, RemoteFile) and lexical_path(file.url) == path for file in self.files)

    def joined(self, other: RemoteFiles) -> RemoteFiles:
        """The files of two searches of one server, each file once."""
        return _files_of((*self._items(), *other._items()), is_search=True)

    def _items(self) -> Iterator[tuple[str, RemoteFile | ConversionError]]:
        if self.error is not None:
            yield NOT_LISTED, self.error
        yield from zip(self.tree.paths, self.files, strict=True)

    def _at(self, place: str) -> RemoteFile | ConversionError:
        position = self.tree.position_of(place)
        assert position is not None
        return self.files[position]


def lexical_path(url: RemoteUrl) -> Path:
    """Return a URL as a path, to compare it with others and to take it apart; nothing has this path.

    All searches of a server have the path of its service, and are one folder.
    """
    if is_searched(url.scheme):
        url = service_url(url)
    folder = Path(f"{url.scheme}:/{url.host}{url.path}").parent if url.path.strip("/") else Path(f"{url.scheme}:")
    return folder / (url.name if url.path.strip("/") else url.host)


def list_url(url: RemoteUrl) -> RemoteFiles | None:
    """List what is at and below a URL; None where there is nothing. The path of a single file is its own name."""
    try:
        listed = dict(store_of(url).list(url))
    except ConversionError as error:
        return RemoteFiles(PathTree([]), [], error=error, is_search=is_searched(url.scheme))
    if isinstance(file := listed.get(""), RemoteFile):
        # a store can have a file and a folder of one name: the URL is that of the file
        return RemoteFiles(PathTree([lexical_path(url).name]), [file], only_file=file)
    if is_searched(url.scheme):
        return _files_of(listed.items(), is_search=True) if listed else None
    return replace(_files_of(listed.items()), folder=str(url).rstrip("/")) if listed else None


def list_urls(urls: Iterable[RemoteUrl]) -> tuple[Path, RemoteFiles]:
    """List the URLs of a list, and return their deepest common folder. A URL that cannot be listed is a row."""
    paths = [(lexical_path(url), url) for url in urls]
    common = Path(os.path.commonpath([path.parent for path, _ in paths]))
    listed = dict[str, RemoteFile | ConversionError]()
    for path, url in paths:
        top = path.relative_to(common).as_posix()
        try:
            files = {f"{top}/{place}" if place else top: file for place, file in store_of(url).list(url)}
        except ConversionError as error:
            listed[top] = error
            continue
        listed |= files
        if not files:
            listed[top] = missing_error()
    return common, _files_of(listed.items(), is_list=True)


def refused_archive(file: RemoteFile) -> RemoteFiles:
    """Return the row of an archive whose server sends only whole files."""
    message = "the server does not send parts of files, which an archive needs: copy the archive to this machine"
    refusal = SourceError(message, reason=Reason.UNSUPPORTED_VALUE)
    return RemoteFiles(PathTree([lexical_path(file.url).name]), [refusal])


def file_of_url(text: str) -> RemoteFile:
    """Return the file of a URL. Raises OptionsError, SourceMissingError and SourceError."""
    check_scheme(text, "SOURCE")
    url = parse_url(text)
    listed = dict(store_of(url).list(url))
    if not isinstance(file := listed.get(""), RemoteFile):
        raise missing_source(url, is_folder=bool(listed))
    return file


def missing_source(url: RemoteUrl, *, is_folder: bool = False) -> SourceMissingError:
    """Return the error of a URL that names no file."""
    problem = "has no image that matches the query" if is_searched(url.scheme) else "does not exist, or it is empty"
    if is_folder:
        problem = "is a folder: give the URL of a file"
    error = SourceMissingError(f"SOURCE {str(url)!r} {problem}")
    return with_os_error(error, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), url)


def missing_error() -> SourceError:
    """Return the error of a URL at which nothing is."""
    return SourceError("nothing has this URL", reason=Reason.UNREADABLE)


def file_with_content(file: RemoteFile) -> RemoteFile | ConversionError:
    """Return a file with its bytes where worker processes do not see its store, otherwise as it is."""
    return file if store_of(file.url).is_shared else with_content(file)


def _files_of(
    listed: Iterable[tuple[str, RemoteFile | ConversionError]], *, is_list: bool = False, is_search: bool = False
) -> RemoteFiles:
    places = dict[str, RemoteFile | ConversionError]()
    for place, file in listed:
        # keys may have empty components, which no path has
        safe_place = "/".join(component or "_" for component in place.split("/"))
        while safe_place in places and places[safe_place] != file:
            safe_place += "_"
        places[safe_place] = file
    paths = sorted(places)
    return RemoteFiles(PathTree(paths), [places[path] for path in paths], is_list, is_search=is_search)
