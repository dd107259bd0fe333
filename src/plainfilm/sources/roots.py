# SPDX-License-Identifier: MIT
"""Resolve the SOURCE arguments: the same file or folder in another spelling is the same root."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from itertools import chain
from pathlib import Path

from plainfilm.errors import SourceMissingError, with_os_error
from plainfilm.options.local_path import scheme_of
from plainfilm.options.sources import SourceOptions
from plainfilm.pickling import dataclass
from plainfilm.sources.archive import archive_packing
from plainfilm.sources.entries import EntryKind, kind_of_source, read_entries
from plainfilm.sources.glob import AnyPattern, split_pattern
from plainfilm.sources.remote_file import UNKNOWN_SIZE, parse_url
from plainfilm.sources.remote_tree import (
    RemoteFiles,
    lexical_path,
    list_url,
    list_urls,
    missing_source,
    refused_archive,
)
from plainfilm.sources.scheme import check_scheme
from plainfilm.sources.source_list import ListedFiles, listed_files, paths_in_list


@dataclass(frozen=True, slots=True)
class Root:
    """A file, a folder, an archive, a list, or the globs that start from one folder, with their patterns.

    path: of a folder or an archive, its path without symbolic links; of a file, such a path of its folder, and its own
    name. Of a list, the deepest common folder of its files. Of a URL, a path that only serves to compare it.
    remote: the files of a URL, or of the URLs of a list.
    """

    path: Path
    kind: EntryKind
    pattern: AnyPattern | None = None
    listed: ListedFiles | None = None
    remote: RemoteFiles | None = None

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder, an archive, a list or the start of a glob."""
        return self.kind.is_folder

    @property
    def is_list(self) -> bool:
        """Whether this is a list, whose deepest common folder is not named."""
        return self.listed is not None or (self.remote is not None and self.remote.is_list)

    @property
    def has_prefix(self) -> bool:
        """Whether its images lie in a folder of its name where there are several such roots."""
        return self.is_folder and not self.is_list

    @property
    def is_whole_folder(self) -> bool:
        """Whether this is a folder with all that is in it."""
        return self.is_folder and self.pattern is None and not self.is_list

    def reaches(self, path: Path) -> bool:
        """Whether listing this root reaches a file or folder, whose path has no symbolic links."""
        if not self.is_folder:
            return _resolved(self.path) == path
        if self.listed is not None:
            return self.listed.reaches(path)
        if self.remote is not None and self.remote.is_search:
            return self.remote.has(path)
        if path != self.path and self.path not in path.parents:
            return False
        if self.pattern is None:
            return True
        positions = self.pattern.start()
        for component in path.relative_to(self.path).parts:
            positions = self.pattern.step(positions, component)
            if self.pattern.accepts(positions):
                return True
        return False


def resolve_roots(sources: Sequence[str | Path], options: SourceOptions) -> list[Root]:
    """Resolve the SOURCEs. Each folder and each list is one root; a root that an earlier one contains is left out.

    Raises SourceMissingError for a source that does not exist (or a glob that matches nothing), and OptionsError for a
    URL and a list that cannot be read.
    """
    roots: list[Root] = []
    folders: dict[Path, int] = {}
    for root in chain.from_iterable(_roots_of(os.fspath(source), options) for source in sources):
        if root.is_list:
            roots.append(root)
        elif root.is_folder and root.path in folders:
            position = folders[root.path]
            roots[position] = _joined(roots[position], root)
        elif not _is_reached(root, roots):
            if root.is_folder:
                folders[root.path] = len(roots)
            roots.append(root)
    return roots


def _joined(first: Root, second: Root) -> Root:
    """The root of one folder that is given twice, as a whole, by globs or by searches."""
    if first.remote is not None and second.remote is not None and first.remote.is_search:
        return replace(first, remote=first.remote.joined(second.remote))
    if first.pattern is None or second.pattern is None:
        return replace(first, pattern=None)
    return replace(first, pattern=first.pattern + second.pattern)


def _is_reached(root: Root, earlier: Sequence[Root]) -> bool:
    """Whether earlier roots list all that a root lists."""
    path = root.path if root.is_folder else _resolved(root.path)
    return any(other.reaches(path) for other in earlier)


def _roots_of(source: str, options: SourceOptions) -> Iterator[Root]:
    paths = None if scheme_of(source) else paths_in_list(source, options)
    if paths is None:
        yield _root_of(source)
        return
    urls = {path: None for path in paths if check_scheme(path, "a path in a list")}
    local_paths = [path for path in paths if path not in urls]
    if local_paths or not urls:
        yield _list_root(local_paths)
    if urls:
        common, files = list_urls(map(parse_url, urls))
        yield Root(common, EntryKind.FOLDER, remote=files)


def _root_of(source: str) -> Root:
    if check_scheme(source, "SOURCE") is not None:
        return _remote_root(source)
    try:
        return _root_at(source)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return _glob_root(source)


def _root_at(source: str) -> Root:
    """The root of a path. Raises FileNotFoundError, NotADirectoryError and ValueError where there is nothing."""
    try:
        kind = kind_of_source(source)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError:
        return Root(Path(source).absolute(), EntryKind.BROKEN)
    if kind is EntryKind.FOLDER:
        return Root(_resolved(Path(source)), kind)
    if kind is EntryKind.FILE and archive_packing(Path(source), is_explicit=True) is not None:
        return Root(_resolved(Path(source)), EntryKind.ARCHIVE)
    return Root(_file_path(source), kind)


def _remote_root(source: str) -> Root:
    """The root of a URL. Raises SourceMissingError where nothing has it; a server that fails gives a row."""
    url = parse_url(source)
    path, files = lexical_path(url), list_url(url)
    if files is None:
        raise missing_source(url)
    if files.only_file is None:
        return Root(path, EntryKind.FOLDER, remote=files)
    is_archive = archive_packing(files.only_file, is_explicit=True) is not None
    if is_archive and files.only_file.size == UNKNOWN_SIZE:
        return Root(path, EntryKind.REFUSED, remote=refused_archive(files.only_file))
    return Root(path, EntryKind.ARCHIVE if is_archive else EntryKind.FILE, remote=files)


def _list_root(paths: Iterable[str]) -> Root:
    """The root of the files of a list, of which each counts once."""
    kinds: dict[Path, EntryKind] = {}
    targets = set[Path]()
    for path in paths:
        root = _listed_root(path)
        target = _resolved(root.path) if root.path.is_symlink() else root.path
        if target not in targets:
            targets.add(target)
            kinds[root.path] = root.kind
    folders = {path for path, kind in kinds.items() if kind.is_folder}
    outermost = {path: kind for path, kind in kinds.items() if folders.isdisjoint(path.parents)}
    if len(outermost) == 1 and folders.issuperset(outermost):
        only, kind = next(iter(outermost.items()))
        return Root(only, kind)
    listed = listed_files(outermost)
    return Root(listed.common_folder, EntryKind.FOLDER, listed=listed)


def _listed_root(path: str) -> Root:
    try:
        return _root_at(path)
    except (OSError, ValueError):
        # a NUL, which no path has, would end the name
        return Root(_file_path(path.replace("\0", "_")), EntryKind.MISSING)


def _glob_root(source: str) -> Root:
    glob = split_pattern(source)
    if glob is None:
        raise _missing_error(source, "does not exist")
    root = Root(_resolved(glob[0]), EntryKind.FOLDER, AnyPattern((glob[1],)))
    if not _has_match(root):
        raise _missing_error(source, "matches nothing")
    return root


def _file_path(source: str) -> Path:
    """The path of a file: its folder is resolved, and its own name stays, also where it is a symbolic link."""
    path = Path(source).absolute()
    return _resolved(path.parent) / path.name


def _resolved(path: Path) -> Path:
    """An absolute path without `..` and symbolic links; of a URL, and where that fails, the path itself."""
    if scheme_of(path) is not None:
        return path
    try:
        return path.resolve()
    except (OSError, RuntimeError):
        return path.absolute()


def _missing_error(source: str, problem: str) -> SourceMissingError:
    error = SourceMissingError(f"SOURCE {_printable(source)} {problem}")
    return with_os_error(error, FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), source)


def _printable(source: str) -> str:
    return repr(source.encode("utf-8", "backslashreplace").decode())


def _has_match(root: Root) -> bool:
    """Whether a glob matches anything."""
    assert root.pattern is not None
    # a stack of folders to search, each with its positions in the pattern
    stack = [(root.path, root.pattern.start())]
    while stack:
        folder, positions = stack.pop()
        with suppress(OSError):
            for entry in read_entries(folder):
                following = root.pattern.step(positions, entry.name)
                if root.pattern.accepts(following):
                    return True
                if following and entry.kind is EntryKind.FOLDER:
                    stack.append((folder / entry.name, following))
    return False
