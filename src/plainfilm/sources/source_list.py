# SPDX-License-Identifier: MIT
"""Read lists of files: `@list.txt`, `-` (standard input), and the column of a CSV or Parquet table.

Blank lines do not count, and a line may end in CR LF. In an `@` file a line that begins with `#` is a comment. Relative
paths are relative to the current folder. A path of a list may be a file, a folder or an archive, but no glob.
"""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

from plainfilm.errors import OptionsError, SourceMissingError, Stage, with_os_error
from plainfilm.options.local_path import check_local
from plainfilm.options.sources import SourceOptions
from plainfilm.pickling import dataclass
from plainfilm.sources.entries import Entry, EntryKind
from plainfilm.sources.path_tree import PathTree

STANDARD_INPUT = "-"
_LIST_MARK = "@"
_PARQUET_SUFFIXES = (".parquet", ".pq")
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class ListedFiles:
    """The files of a list as folders below their deepest common folder.

    kinds: the kind of each path of the tree.
    """

    common_folder: Path
    tree: PathTree
    kinds: tuple[EntryKind, ...]

    def entries(self, place: str, argument: int) -> Iterator[Entry]:
        """Yield the entries of a folder, which is given relative to the common folder."""
        listed_folders = set[str]()
        for child in self.tree.children(place):
            if child.position is not None:
                kind = self.kinds[child.position]
                if kind is EntryKind.FOLDER:
                    listed_folders.add(child.name)
                yield Entry(child.name, kind, argument)
            elif child.name not in listed_folders:
                yield Entry(child.name, EntryKind.FOLDER, argument)

    def has_folder(self, place: str) -> bool:
        """Whether the list names this folder, so that all that is in it is listed."""
        position = self.tree.position_of(place)
        return position is not None and self.kinds[position] is EntryKind.FOLDER

    def reaches(self, path: Path) -> bool:
        """Whether the list names this path or a folder or archive above it."""
        if self.common_folder not in path.parents:
            return False
        place = path.relative_to(self.common_folder)
        if self.tree.position_of(place.as_posix()) is not None:
            return True
        positions = (self.tree.position_of(parent.as_posix()) for parent in place.parents)
        return any(position is not None and self.kinds[position].is_folder for position in positions)


def listed_files(kinds: dict[Path, EntryKind]) -> ListedFiles:
    """Arrange the paths of a list, which are absolute and resolved, below their deepest common folder."""
    common = Path(os.path.commonpath([path.parent for path in kinds])) if kinds else Path.cwd()
    places = {path.relative_to(common).as_posix(): kind for path, kind in kinds.items()}
    paths = sorted(places)
    return ListedFiles(common, PathTree(paths), tuple(places[path] for path in paths))


def paths_in_list(source: str, options: SourceOptions) -> list[str] | None:
    """Return the paths that a SOURCE lists, or None if the SOURCE is no list.

    Raises SourceMissingError for a list that does not exist, and OptionsError for one that cannot be read.
    """
    if source == STANDARD_INPUT:
        content = _standard_input()
        return _lines_of(content, separator="\0" if options.null else None)
    if source.startswith(_LIST_MARK) and len(source) > 1:
        lines = _lines_of(_content_of(source.removeprefix(_LIST_MARK)))
        return [line for line in lines if not line.lstrip().startswith("#")]
    if options.source_column is not None and is_table(source):
        return list(_paths_of_table(source, options.source_column))
    return None


def is_table(source: str) -> bool:
    """Return whether a SOURCE has the name of a table, which `--source-column` makes a list."""
    return Path(source).suffix.lower() in (".csv", *_PARQUET_SUFFIXES)


def _standard_input() -> bytes:
    if sys.stdin is None:
        raise OptionsError("SOURCE - is a list on standard input, which is closed")
    if isinstance(sys.stdin, io.TextIOWrapper):
        content: bytes = sys.stdin.buffer.read()
        return content
    return os.fsencode(sys.stdin.read())


def _content_of(path: str) -> bytes:
    check_local(path, "a list")
    try:
        return Path(path).read_bytes()
    except (FileNotFoundError, NotADirectoryError) as error:
        raise with_os_error(SourceMissingError(f"the list {path!r} does not exist"), error, path) from error
    except (OSError, ValueError) as error:
        cause = error.strerror if isinstance(error, OSError) else "it has a NUL in its name"
        raise OptionsError(f"the list {path!r} cannot be read: {cause}", stage=Stage.LIST) from error


def _lines_of(content: bytes, separator: str | None = None) -> list[str]:
    """The lines that are not empty. Bytes that are not UTF-8 stay, as in the names of files."""
    if content.startswith(_UTF_16_MARKS):
        text = content.decode("utf-16", "replace")
    else:
        text = content.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    lines = text.split("\n" if separator is None else separator)
    if separator is None:
        lines = [line.removesuffix("\r") for line in lines]
    return [line for line in lines if line.strip()]


def _paths_of_table(source: str, column: str) -> Iterator[str]:
    if Path(source).suffix.lower() in _PARQUET_SUFFIXES:
        return _text_values(_parquet_values(source, column))
    text = "\n".join(_lines_of(_content_of(source)))
    rows = csv.DictReader(io.StringIO(text, newline=""))
    try:
        _check_column(source, column, rows.fieldnames or ())
        return _text_values([row[column] for row in rows])
    except csv.Error as error:
        raise OptionsError(f"the table {source!r} cannot be read: {error}", stage=Stage.LIST) from error


def _parquet_values(source: str, column: str) -> list[object]:
    try:
        import pyarrow.parquet
    except ImportError:
        raise OptionsError(f"{source!r} needs pyarrow: pip install 'plainfilm[parquet]'") from None
    if not Path(source).exists():
        raise with_os_error(SourceMissingError(f"the table {source!r} does not exist"), FileNotFoundError(), source)
    try:
        with pyarrow.parquet.ParquetFile(source) as table:
            _check_column(source, column, table.schema_arrow.names)
            values: list[object] = table.read([column]).column(0).to_pylist()
            return values
    except (OSError, pyarrow.ArrowException) as error:
        message = f"the table {source!r} cannot be read as Parquet ({type(error).__name__})"
        raise OptionsError(message, stage=Stage.LIST) from error


def _check_column(source: str, column: str, names: Iterable[str]) -> None:
    if column not in names:
        listed = ", ".join(map(repr, names)) or "none"
        raise OptionsError(f"--source-column: {source!r} has no column {column!r}; its columns: {listed}")


def _text_values(values: Iterable[object]) -> Iterator[str]:
    return (str(value) for value in values if value is not None and str(value).strip())
