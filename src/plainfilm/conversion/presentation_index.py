# SPDX-License-Identifier: MIT
"""--presentation -> the presentation state of an image: one file read once a process, or an index of the sources.

For `auto` a run makes an index before it converts, an SQLite file that its workers read: nobody holds it in memory.
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
from plainfilm.errors import ConversionError, OptionsError
from plainfilm.findings import Finding, FindingCode
from plainfilm.ledger.database import storing
from plainfilm.options.options import Options
from plainfilm.sources.file_reader import open_source, read_head

_LARGEST = 64 * 1024**2
_SCHEMA = "CREATE TABLE refers (uid TEXT, path BLOB, created TEXT, state TEXT, PRIMARY KEY (uid, path)) WITHOUT ROWID"


def presentation_of(options: Options) -> PresentationState | None:
    """The presentation state that is named by its file, read once. Raises OptionsError where it is none.

    None where none is named. `auto` is refused: it needs the sources of a run.
    """
    choice = options.showing.presentation
    if choice is None:
        return None
    if choice.path is None:
        raise OptionsError("--presentation auto needs a folder as OUT; for one picture name it: --presentation PATH")
    if not choice.path.is_file():
        raise OptionsError(f"--presentation: {choice.path} is no file")
    try:
        return _read(choice.path)
    except ConversionError as error:
        message = f"--presentation: {choice.path} is no presentation state that can be used ({error})"
        raise OptionsError(message) from error


def presentation_fingerprint(options: Options) -> str | None:
    """What tells presentation states apart: `auto`, or a hash of what is in the file. Raises as `presentation_of`."""
    choice = options.showing.presentation
    if choice is None or choice.path is None:
        return None if choice is None else str(choice)
    presentation_of(options)
    try:
        return hashlib.sha256(choice.path.read_bytes()).hexdigest()[:16]
    except OSError as error:
        raise OptionsError(f"--presentation: {choice.path} cannot be read ({type(error).__name__})") from error


def presentation_for(
    instance: Instance, options: Options, index: Path | None
) -> tuple[PresentationState | None, Instance]:
    """The state that is named, or that the index has for an instance; and the instance with what is odd about that.

    Raises ConversionError where the state cannot be read any more.
    """
    choice = options.showing.presentation
    if choice is not None and choice.path is not None:
        return _read(choice.path), instance
    if choice is None or index is None:
        return None, instance
    with closing(PresentationIndex(index)) as states:
        return presentation_in(states, instance)


def presentation_in(index: PresentationIndex, instance: Instance) -> tuple[PresentationState | None, Instance]:
    """For `auto`: the state that refers to an instance, and the instance, with a finding where several do."""
    state, several = index.state_for(instance.identity.sop_instance_uid)
    if not several:
        return state, instance
    finding = Finding(FindingCode.PRESENTATION_SEVERAL, "several presentation states refer to it; the last is taken")
    return state, replace(instance, findings=(*instance.findings, finding))


@lru_cache(maxsize=4)
def _read(path: Path) -> PresentationState:
    """Raises ConversionError."""
    with open_source(path) as content:
        return read_presentation_state(content)


def index_presentations(paths: Iterable[Path], file: Path) -> int:
    """Write the index of the presentation states among the paths, over an older one; how many they are.

    Of each path the first 4 KiB are read, where File Meta Information names the SOP class; of a presentation state (up
    to 64 MiB) all. What cannot be read is left to the conversion to complain of.
    Raises StorageFullError and RunError where the index cannot be written.
    """
    found = 0
    with storing(file):
        file.unlink(missing_ok=True)
        with closing(sqlite3.connect(file)) as database, database:
            database.execute(_SCHEMA)
            for path in paths:
                state = _state_at(path)
                if state is None:
                    continue
                found += 1
                uids = {reference.sop_instance_uid for reference in state.references}
                rows = ((uid, os.fsencode(path), state.created, state.sop_instance_uid) for uid in sorted(uids))
                database.executemany("INSERT OR REPLACE INTO refers VALUES (?, ?, ?, ?)", rows)
    return found


def _state_at(path: Path) -> PresentationState | None:
    try:
        if GRAYSCALE_SOFTCOPY.encode() not in read_head(path) or path.stat().st_size > _LARGEST:
            return None
        with open_source(path) as content:
            return read_presentation_state(content)
    except (OSError, ConversionError):
        return None


class PresentationIndex:
    """Which presentation states refer to which image, from a file that `index_presentations` wrote."""

    def __init__(self, file: Path) -> None:
        self._database = sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)

    def state_for(self, sop_instance_uid: str) -> tuple[PresentationState | None, bool]:
        """The state that refers to an image and was created last, or None; and whether there are several.

        Raises ConversionError where it is not there any more.
        """
        query = "SELECT path, state FROM refers WHERE uid = ? ORDER BY created DESC, state, path"
        rows = self._database.execute(query, (sop_instance_uid,)).fetchmany(1000)
        if not rows:
            return None, False
        return _read(Path(os.fsdecode(rows[0][0]))), len({state for _, state in rows}) > 1

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()
