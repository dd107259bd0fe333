# SPDX-License-Identifier: MIT
"""Find the presentation state of an image: the file of `--presentation`, or one among the sources (`auto`).

For `auto`, a run first writes an index of the presentation states among its sources. The index is an SQLite file that
the workers read, so that no process holds it in memory.
"""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from plainfilm.dicom.instance import Instance
from plainfilm.dicom.presentation_state import GRAYSCALE_SOFTCOPY, PresentationState
from plainfilm.dicom.read import read_presentation_state
from plainfilm.errors import ConversionError, OptionsError, with_os_error
from plainfilm.findings import Finding, FindingCode
from plainfilm.ledger.database import check_regular_files, database_files, translate_sqlite_errors
from plainfilm.options.options import Options
from plainfilm.sources.file_reader import open_source, read_head

_MAX_FILE_BYTES = 64 * 1024**2
_MAX_REFERRING_STATES = 1000
# functions in a schema that another program may have written are not called
_NO_FUNCTIONS = "PRAGMA trusted_schema=OFF"
_SCHEMA = "CREATE TABLE refers (uid TEXT, path BLOB, created TEXT, state TEXT, PRIMARY KEY (uid, path)) WITHOUT ROWID"


def presentation_of(options: Options) -> PresentationState | None:
    """Return the presentation state of the file that `--presentation` names, or None without the option.

    Raises OptionsError where the file is no usable presentation state, and for `auto`, which needs a folder OUT.
    """
    choice = options.presentation.presentation
    if choice is None:
        return None
    if choice.path is None:
        raise OptionsError("--presentation auto needs a folder as OUT; for one picture name it: --presentation PATH")
    if not choice.path.is_file():
        refusal = OptionsError(f"--presentation: {choice.path} is no file")
        kind = IsADirectoryError if choice.path.is_dir() else FileNotFoundError
        raise with_os_error(refusal, kind(), choice.path)
    try:
        return _read(choice.path)
    except ConversionError as error:
        refusal = OptionsError(f"--presentation: {choice.path} is no presentation state that can be used ({error})")
        raise (with_os_error(refusal, error, choice.path) if isinstance(error, OSError) else refusal) from error


def presentation_fingerprint(options: Options) -> str | None:
    """Return `auto`, or a hash of the content of the file; None without the option. Raises as `presentation_of`."""
    choice = options.presentation.presentation
    if choice is None or choice.path is None:
        return None if choice is None else str(choice)
    presentation_of(options)
    try:
        return hashlib.sha256(choice.path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        refusal = OptionsError(f"--presentation: {choice.path} cannot be read ({type(error).__name__})")
        raise with_os_error(refusal, error, choice.path) from error


def presentation_for(
    instance: Instance, options: Options, index: Path | None
) -> tuple[PresentationState | None, Instance]:
    """Return the presentation state of an instance, or None, and the instance, possibly with a finding.

    index: the index of the sources, for `auto`.

    Raises ConversionError where the presentation state cannot be read any more.
    """
    choice = options.presentation.presentation
    if choice is not None and choice.path is not None:
        return _read(choice.path), instance
    if choice is None or index is None:
        return None, instance
    with closing(PresentationIndex(index)) as states:
        return presentation_in(states, instance)


def presentation_in(index: PresentationIndex, instance: Instance) -> tuple[PresentationState | None, Instance]:
    """Return the state that refers to an instance, and the instance, with a finding if several states refer to it."""
    state, has_several = index.state_for(instance.identity.sop_instance_uid)
    if not has_several:
        return state, instance
    finding = Finding(FindingCode.PRESENTATION_SEVERAL, "several presentation states refer to it; the last is taken")
    return state, replace(instance, findings=(*instance.findings, finding))


@lru_cache(maxsize=4)
def _read(path: Path) -> PresentationState:
    """Raises ConversionError."""
    with open_source(path) as content:
        return read_presentation_state(content)


def index_presentations(paths: Iterable[Path], file: Path) -> int:
    """Write the index of the presentation states among the paths, replacing an older one; return their number.

    Of each file, the first 4 KiB are read, where File Meta Information names the SOP class. Presentation states of up
    to 64 MiB are read completely. Files that cannot be read are skipped here; the conversion reports them.
    Raises StorageFullError and RunError where the index cannot be written, LedgerError where its name is that of a link
    or a folder.
    """
    number_of_states = 0
    # SQLite follows symbolic links, also at the names of the files that it keeps beside the index
    check_regular_files(file)
    for older_file in database_files(file):
        older_file.unlink(missing_ok=True)
    with translate_sqlite_errors(file), closing(sqlite3.connect(file)) as database, database:
        database.execute(_NO_FUNCTIONS)
        database.execute(_SCHEMA)
        for path in paths:
            state = _state_at(path)
            if state is None:
                continue
            number_of_states += 1
            uids = {reference.sop_instance_uid for reference in state.references}
            rows = ((uid, os.fsencode(path), state.created, state.sop_instance_uid) for uid in sorted(uids))
            database.executemany("INSERT OR REPLACE INTO refers VALUES (?, ?, ?, ?)", rows)
    return number_of_states


def _state_at(path: Path) -> PresentationState | None:
    try:
        if GRAYSCALE_SOFTCOPY.encode() not in read_head(path) or path.stat().st_size > _MAX_FILE_BYTES:
            return None
        with open_source(path) as content:
            return read_presentation_state(content)
    except (OSError, ConversionError):
        return None


class PresentationIndex:
    """An index that `index_presentations` wrote, opened for reading."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)
        self._database.execute(_NO_FUNCTIONS)

    def state_for(self, sop_instance_uid: str) -> tuple[PresentationState | None, bool]:
        """Return the newest presentation state that refers to an image, or None, and whether there are several.

        Raises ConversionError where the file of the state cannot be read any more.
        """
        query = "SELECT path, state FROM refers WHERE uid = ? ORDER BY created DESC, state, path"
        rows = self._database.execute(query, (sop_instance_uid,)).fetchmany(_MAX_REFERRING_STATES)
        if not rows:
            return None, False
        return _read(Path(os.fsdecode(rows[0][0]))), len({state for _, state in rows}) > 1

    def close(self) -> None:
        """Close the file."""
        self._database.close()
