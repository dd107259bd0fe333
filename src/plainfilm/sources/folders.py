# SPDX-License-Identifier: MIT
"""Files, folders and globs on the command line -> references, one by one, one folder's names in memory at a time.

Sources come in the order given; of a folder first its files, then its folders, each sorted. What is no file is a row of
failures. A glob is taken relative to the folder before its first wildcard.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from plainfilm.errors import OptionsError, SourceMissingError
from plainfilm.record import Failure
from plainfilm.sources.listing import File, Kind, Listing, failure_of, kind_of_source, list_folder, unreadable_folder
from plainfilm.sources.names import Named, name_files, name_folders
from plainfilm.sources.patterns import Pattern, split_pattern
from plainfilm.sources.reference import Reference


@dataclass(frozen=True, slots=True)
class _Root:
    """One SOURCE: a file, a folder, or with a pattern the folder a glob starts from."""

    path: Path
    kind: Kind
    pattern: Pattern | None = None


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to walk: where it is, what its entries' names begin with, and how far its path has come in a glob."""

    path: Path
    name: str = ""
    source: str = ""
    pattern: Pattern | None = None
    positions: frozenset[int] = frozenset()

    def below(self, entry: str, named: Named) -> _Folder:
        """A folder in this one; once the whole pattern is used up, everything below belongs to it."""
        name, source = _joined(self.name, named.name), _joined(self.source, named.source)
        path = self.path / entry
        if self.pattern is None:
            return _Folder(path, name, source)
        positions = self.pattern.step(self.positions, entry)
        if self.pattern.accepts(positions):
            return _Folder(path, name, source)
        return _Folder(path, name, source, self.pattern, positions)

    def matching(self, listing: Listing) -> Listing:
        """What of the listing the glob is about."""
        if self.pattern is None:
            return listing
        files = tuple(file for file in listing.files if self._is_about(file))
        folders = tuple(name for name in listing.folders if self.pattern.step(self.positions, name))
        return Listing(listing.path, files, folders)

    def _is_about(self, file: File) -> bool:
        assert self.pattern is not None
        positions = self.pattern.step(self.positions, file.name)
        return bool(positions) if file.kind is Kind.LINK_TO_FOLDER else self.pattern.accepts(positions)


def list_references(sources: Sequence[str | Path], out: Path | None) -> Iterator[Reference | Failure]:
    """The references of all sources, lazily; what lies in `out` is left out.

    Raises, before anything is listed, SourceMissingError for a source that does not exist (or a glob that matches
    nothing), and OptionsError where `out` is itself a source.
    """
    roots = [_root_of(os.fspath(source)) for source in sources]
    if any(root.kind is Kind.FOLDER and root.pattern is None and _is_same(root.path, out) for root in roots):
        raise OptionsError("OUT is one of the SOURCEs: choose a folder of its own for the images")
    return _references(roots, out)


def _root_of(source: str) -> _Root:
    try:
        return _Root(_absolute(source), kind_of_source(source))
    except (FileNotFoundError, NotADirectoryError, ValueError):
        glob = split_pattern(source)
    except OSError:
        return _Root(_absolute(source), Kind.BROKEN)
    if glob is not None:
        root = _Root(_absolute(glob[0]), Kind.FOLDER, glob[1])
        if _matches_anything(root):
            return root
        raise SourceMissingError(f"SOURCE {_shown(source)} matches nothing")
    raise SourceMissingError(f"SOURCE {_shown(source)} does not exist")


def _absolute(source: str | Path) -> Path:
    """Absolute, so that a worker elsewhere can open it, and with a name of its own."""
    path = Path(source).absolute()
    return path.resolve() if path.name == os.pardir else path


def _shown(source: str) -> str:
    return repr(source.encode("utf-8", "backslashreplace").decode())


def _is_same(path: Path, out: Path | None) -> bool:
    try:
        return out is not None and path.samefile(out)
    except (OSError, ValueError):
        return False


def _matches_anything(root: _Root) -> bool:
    assert root.pattern is not None
    waiting = [_Folder(root.path, pattern=root.pattern, positions=root.pattern.start())]
    while waiting:
        folder = waiting.pop()
        if folder.pattern is None:
            return True
        try:
            listing = folder.matching(list_folder(folder.path))
        except OSError:
            continue
        if any(folder.pattern.accepts(folder.pattern.step(folder.positions, file.name)) for file in listing.files):
            return True
        waiting.extend(folder.below(name, Named("", "")) for name in reversed(listing.folders))
    return False


def _references(roots: list[_Root], out: Path | None) -> Iterator[Reference | Failure]:
    """Root by root. What lands at the top of OUT is named together, whichever root it comes from."""
    prefixed = sum(root.kind is Kind.FOLDER and root.pattern is None for root in roots) > 1
    tops: list[tuple[_Folder, Listing]] = []
    for root in roots:
        try:
            tops.append(_top_of(root, prefixed))
        except OSError as error:
            yield unreadable_folder(name_folders([root.path.name])[0].source, error)
    folders = iter(name_folders([name for _, top in tops for name in top.folders], at_top=True))
    named_folders = [[next(folders) for _ in top.folders] for _, top in tops]
    beside = [named.name for group in named_folders for named in group]
    files = iter(name_files([file.name for _, top in tops for file in top.files], beside))
    named_files = [[next(files) for _ in top.files] for _, top in tops]
    for (folder, top), of_files, of_folders in zip(tops, named_files, named_folders, strict=True):
        yield from _files_of(folder, top.files, of_files)
        yield from _walk(_folders_of(folder, top.folders, of_folders), out)


def _top_of(root: _Root, prefixed: bool) -> tuple[_Folder, Listing]:
    """What a root puts at the top of OUT: a file, a folder if there are several, or the entries of the only folder."""
    if root.kind is Kind.FOLDER and (root.pattern is not None or not prefixed):
        positions = root.pattern.start() if root.pattern is not None else frozenset()
        folder = _Folder(root.path, pattern=root.pattern, positions=positions)
        return folder, folder.matching(list_folder(root.path))
    parent = root.path.parent
    if root.kind is Kind.FOLDER:
        return _Folder(parent), Listing(parent, folders=(root.path.name,))
    return _Folder(parent), Listing(parent, files=(File(root.path.name, root.kind),))


def _walk(folders: Iterator[_Folder], out: Path | None) -> Iterator[Reference | Failure]:
    # a stack of iterators: deep trees need no recursion, and wide ones keep their names only
    waiting = [folders]
    while waiting:
        folder = next(waiting[-1], None)
        if folder is None:
            waiting.pop()
        elif not _is_same(folder.path, out):
            try:
                listing = folder.matching(list_folder(folder.path))
            except OSError as error:
                yield unreadable_folder(folder.source, error)
                continue
            named = name_folders(listing.folders)
            of_files = name_files([file.name for file in listing.files], (name.name for name in named))
            yield from _files_of(folder, listing.files, of_files)
            waiting.append(_folders_of(folder, listing.folders, named))


def _files_of(folder: _Folder, files: Iterable[File], named: Iterable[Named]) -> Iterator[Reference | Failure]:
    for file, called in zip(files, named, strict=True):
        source = _joined(folder.source, called.source)
        if file.kind is Kind.FILE:
            yield Reference(folder.path / file.name, source, _joined(folder.name, called.name))
        else:
            yield failure_of(file.kind, source)


def _folders_of(folder: _Folder, entries: Iterable[str], named: Iterable[Named]) -> Iterator[_Folder]:
    for entry, called in zip(entries, named, strict=True):
        yield folder.below(entry, called)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name
