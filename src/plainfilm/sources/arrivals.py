# SPDX-License-Identifier: MIT
"""List the SOURCE folders again and again, and yield each file once when it is whole (`--watch`).

Any program that puts whole files into a folder can feed a run in this way: it writes a file under a name such as
`x.dcm.part` and renames it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeAlias

from plainfilm.pickling import dataclass
from plainfilm.records import Failure
from plainfilm.sources.folder import Folder
from plainfilm.sources.reference import Location, Reference
from plainfilm.sources.walk import Listing
from plainfilm.sources.wholeness import FileState, has_unfinished_name, is_open_for_writing

_SLICE_SECONDS = 0.1
"""How long a listing may search before the run can do something else."""
_PAUSE_FACTOR = 10
"""The pause between two listings takes this many times as long as a listing, so that large folders cost little."""


@dataclass(frozen=True, slots=True)
class WatchTiming:
    """The times of a run that watches its folders, in seconds.

    unchanged: how long a file must stay as it is until it counts as whole; 0 for files that are whole when they have
        their name.
    between_listings: the shortest pause between two listings.
    between_tables: the shortest time between two updates of the tables while files arrive; a run that waits for files
        updates the tables at once.
    """

    unchanged: float = 2.0
    between_listings: float = 1.0
    between_tables: float = 30.0


DEFAULT_TIMING = WatchTiming()


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A failure of an earlier listing whose cause is gone: a folder can be listed again, a broken link was removed."""

    failure: Failure


Arrival: TypeAlias = Reference | Failure | Withdrawn | None
"""What a listing yields; None if nothing has arrived, which lets the run do something else for a moment."""


class Arrivals:
    """The files that arrive in the SOURCE folders of a listing, without end.

    is_in_work: whether the run is converting this file or a member of this archive; it waits if it has changed.
    """

    def __init__(self, listing: Listing, timing: WatchTiming, is_in_work: Callable[[Path], bool]) -> None:
        self._listing = listing
        self._timing = timing
        self._is_in_work = is_in_work
        # the states of the files that were yielded (as hashes, which take less memory), now and in the last listing
        self._yielded: dict[str, int] = {}
        self._last_yielded: dict[str, int] = {}
        # the files that are not whole yet, with the time since which each has had its state
        self._unfinished: dict[str, tuple[FileState | None, float]] = {}
        self._last_unfinished: dict[str, tuple[FileState | None, float]] = {}
        self._failures: dict[str, Failure] = {}
        self._closed_archives: set[str] = set()

    def entries(self) -> Iterator[Arrival]:
        """Yield what arrives; None while nothing does. The iterator does not end."""
        while True:
            listing_seconds = 0.0
            listing = self._list_once()
            while True:
                started = time.monotonic()
                try:
                    entry = next(listing)
                except StopIteration:
                    break
                finally:
                    listing_seconds += time.monotonic() - started
                yield entry
            pause = max(self._timing.between_listings, _PAUSE_FACTOR * listing_seconds)
            resume_at = time.monotonic() + pause
            yield None
            while time.monotonic() < resume_at:
                yield None

    @property
    def unfinished_files(self) -> int:
        """The number of files that were not whole in the last listing."""
        return len(self._last_unfinished | self._unfinished)

    def _list_once(self) -> Iterator[Arrival]:
        self._last_yielded, self._yielded = self._yielded, {}
        self._last_unfinished, self._unfinished = self._unfinished, {}
        self._closed_archives = set()
        last_failures, self._failures = self._failures, {}
        slice_end = time.monotonic() + _SLICE_SECONDS
        for entry in self._listing.entries(self._is_wanted, with_content=True):
            if self._is_new(entry, last_failures):
                yield entry
                slice_end = time.monotonic() + _SLICE_SECONDS
            elif time.monotonic() > slice_end:
                yield None
                slice_end = time.monotonic() + _SLICE_SECONDS
        self._last_yielded, self._last_unfinished = {}, {}
        yield from self._withdrawn(last_failures)

    def _is_new(self, entry: Reference | Failure, last_failures: dict[str, Failure]) -> bool:
        if isinstance(entry, Failure):
            self._failures[entry.source] = entry
            return last_failures.get(entry.source) != entry
        # the archive of a member was whole when it was opened
        return entry.member is not None or self._has_arrived(entry.path)

    def _is_wanted(self, folder: Folder) -> bool:
        if not folder.is_archive or self._has_arrived(folder.path):
            return True
        self._closed_archives.add(folder.source)
        return False

    def _has_arrived(self, path: Location) -> bool:
        """Whether a file is whole and was not yielded in this state."""
        assert isinstance(path, Path), "only local folders are watched"
        key, state = os.fspath(path), FileState.of(path)
        if state is not None and self._last_yielded.get(key) == hash(state):
            self._yielded[key] = hash(state)
            return False
        if state is None or has_unfinished_name(path.name) or self._is_in_work(path):
            self._unfinished[key] = state, time.monotonic()
            return False
        if not self._is_unchanged(key, state) or is_open_for_writing(path):
            return False
        self._unfinished.pop(key, None)
        self._yielded[key] = hash(state)
        return True

    def _is_unchanged(self, key: str, state: FileState) -> bool:
        """Whether a file has had its state for some seconds; note since when."""
        now = time.monotonic()
        last_state, since = self._last_unfinished.get(key, (None, now))
        self._unfinished[key] = state, since if last_state == state else now
        return max(now - self._unfinished[key][1], state.age_seconds) >= self._timing.unchanged

    def _withdrawn(self, last_failures: dict[str, Failure]) -> Iterator[Withdrawn]:
        for source, failure in last_failures.items():
            if source in self._failures:
                continue
            if self._is_in_closed_archive(source):
                self._failures[source] = failure
            else:
                yield Withdrawn(failure)

    def _is_in_closed_archive(self, source: str) -> bool:
        """Whether a row belongs to an archive that was not opened, because it is as it was."""
        parts = source.rstrip("/").split("/")
        return any("/".join(parts[:count]) in self._closed_archives for count in range(1, len(parts) + 1))
