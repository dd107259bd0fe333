# SPDX-License-Identifier: MIT
"""Resolve the SOURCE arguments: the same file or folder in another spelling is the same root."""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from plainfilm.errors import SourceMissingError, with_os_error
from plainfilm.sources.entries import EntryKind, kind_of_source, read_entries
from plainfilm.sources.glob import AnyPattern, split_pattern
from plainfilm.sources.scheme import check_local


@dataclass(frozen=True, slots=True)
class Root:
    """A file, a folder, or the globs that start from one folder, with their patterns.

    path: of a folder, its path without symbolic links; of a file, such a path of its folder, and its own name.
    """

    path: Path
    kind: EntryKind
    pattern: AnyPattern | None = None

    @property
    def is_folder(self) -> bool:
        """Whether this is a folder or the start of a glob."""
        return self.kind is EntryKind.FOLDER

    @property
    def is_whole_folder(self) -> bool:
        """Whether this is a folder with all that is in it."""
        return self.is_folder and self.pattern is None

    def reaches(self, path: Path) -> bool:
        """Whether listing this root reaches a file or folder, whose path has no symbolic links."""
        if not self.is_folder:
            return _resolved(self.path) == path
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


def resolve_roots(sources: Sequence[str | Path]) -> list[Root]:
    """Resolve the SOURCEs. Each folder is one root; a root that an earlier one contains is left out.

    Raises SourceMissingError for a source that does not exist (or a glob that matches nothing), and OptionsError for a
    URL.
    """
    roots: list[Root] = []
    folders: dict[Path, int] = {}
    for root in (_root_of(os.fspath(source)) for source in sources):
        if root.is_folder and root.path in folders:
            position = folders[root.path]
            roots[position] = _joined(roots[position], root)
        elif not _is_reached(root, roots):
            if root.is_folder:
                folders[root.path] = len(roots)
            roots.append(root)
    return roots


def _joined(first: Root, second: Root) -> Root:
    """The root of one folder that is given twice, as a whole or by globs."""
    if first.pattern is None or second.pattern is None:
        return replace(first, pattern=None)
    return replace(first, pattern=first.pattern + second.pattern)


def _is_reached(root: Root, earlier: Sequence[Root]) -> bool:
    """Whether earlier roots list all that a root lists."""
    path = root.path if root.is_folder else _resolved(root.path)
    return any(other.reaches(path) for other in earlier)


def _root_of(source: str) -> Root:
    check_local(source, "SOURCE")
    try:
        kind = kind_of_source(source)
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return _glob_root(source)
    except OSError:
        return Root(Path(source).absolute(), EntryKind.BROKEN)
    return Root(_resolved(Path(source)) if kind is EntryKind.FOLDER else _file_path(source), kind)


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
    """An absolute path without `..` and symbolic links; of a path that cannot be resolved, the path itself."""
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
