# SPDX-License-Identifier: MIT
"""Write one image to a file of the user's choice or to standard output, and tell such a file from a folder OUT."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from mimetypes import MimeTypes
from pathlib import Path

from plainfilm.errors import OptionsError, OutputError, with_os_error
from plainfilm.options.encoding import format_of_suffix
from plainfilm.options.options import Options
from plainfilm.options.output import Names
from plainfilm.output.directory import open_directory
from plainfilm.output.storage import classify_os_error, translate_os_errors
from plainfilm.sources.archive import archive_packing
from plainfilm.sources.entries import EntryKind, kind_of_source
from plainfilm.sources.naming_rules import DICOM_SUFFIXES, IMAGE_SUFFIXES
from plainfilm.sources.scheme import check_scheme
from plainfilm.sources.source_list import STANDARD_INPUT

STANDARD_OUTPUT = "-"
"""The OUT of an image that is written to standard output."""


def is_image_name(out: Path) -> bool:
    """Whether OUT names one image and not a folder. Raises OptionsError for the suffix of any other kind of file."""
    suffix = out.suffix.lower()
    if format_of_suffix(suffix) is not None:
        return not _is_folder(out)
    if not _is_file_suffix(suffix) or _is_folder(out):
        return False
    raise OptionsError(
        f"OUT {out} has the suffix of a file that is no image: give a folder, or a name that ends in the suffix of an "
        "image format, such as .png (a folder of this name must exist)"
    )


def with_format_of(out: str, options: Options, *, is_format_given: bool) -> Options:
    """Return the options with the format of OUT's suffix; on standard output the format is that of the options.

    is_format_given: whether the user has given a format. Raises OptionsError for another format there, or one that
    cannot hold the depth of the output.
    """
    image_format = None if out == STANDARD_OUTPUT else format_of_suffix(Path(out).suffix)
    if image_format is None or image_format is options.encoding.format:
        return options
    if is_format_given:
        raise OptionsError(f"--format {options.encoding.format} contradicts the name of OUT, {Path(out).suffix}")
    return replace(options, encoding=replace(options.encoding, format=image_format))


def check_single(sources: Sequence[str], out: str, options: Options) -> None:
    """Raise OptionsError unless the sources are one file, OUT is another one, and no option needs a table.

    out: a path, or `-` for standard output.
    """
    for source in sources:
        check_scheme(source, "SOURCE")
    if len(sources) != 1 or _is_source_folder(sources[0]):
        raise OptionsError(f"one image ({out}) is made from one file: give one file, or a folder as OUT")
    if options.run.watch:
        raise OptionsError("--watch has no effect on one image: give a folder as OUT")
    if options.output.names is not Names.KEEP:
        raise OptionsError("--names has no effect on one image: leave it out, or give a folder as OUT")
    if options.privacy.columns.words:
        raise OptionsError("--columns has no effect on one image, which has no table: give a folder as OUT")
    if out != STANDARD_OUTPUT and _is_same_file(out, sources[0]):
        raise OptionsError("OUT is the same file as SOURCE: give another name")


def write_file(path: Path, data: bytes) -> None:
    """Write or replace one file in an existing folder; the file is complete or unchanged.

    Raises OutputError, StorageFullError and RunError.
    """
    try:
        with open_directory(path.parent) as directory:
            directory.replace(path.name, [data])
    except OSError as error:
        problem = classify_os_error(error)
        if isinstance(problem, OutputError):
            message = f"{path} could not be written: {error.strerror}: give a name in a folder that exists and is yours"
            problem = with_os_error(OutputError(message), error, path)
        raise problem from error


def write_stdout(data: bytes) -> None:
    """Write an image, and nothing else, to standard output. Raises OutputError, StorageFullError and RunError."""
    with translate_os_errors():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()


def _is_file_suffix(suffix: str) -> bool:
    """Whether a suffix in lower case is that of a kind of file, and not the end of a folder's name."""
    known = (*IMAGE_SUFFIXES, *DICOM_SUFFIXES, "parquet", "jsonl", "toml", "yaml", "yml", "npz", "7z", "log")
    if suffix.removeprefix(".") in known:
        return True
    # only the types that Python knows itself: those of the system differ from one machine to another
    types = MimeTypes()
    return suffix in types.types_map[True] or suffix in types.encodings_map


def _is_folder(path: Path) -> bool:
    try:
        return path.is_dir()
    except (OSError, ValueError):
        return False


def _is_source_folder(source: str) -> bool:
    if source == STANDARD_INPUT or source.startswith("@"):
        return True
    try:
        is_folder = kind_of_source(source) is EntryKind.FOLDER
        return is_folder or archive_packing(Path(source), is_explicit=True) is not None
    except (OSError, ValueError):
        return False


def _is_same_file(out: str, source: str) -> bool:
    try:
        return Path(out).samefile(source)
    except (OSError, ValueError):
        return False
