# SPDX-License-Identifier: MIT
"""Make the names of one folder's entries unique.

Two names collide if their images could have the same path. This is so if the names are equal after NFC and case
folding, or if one name has the form of a frame or a projection of the other (`x_f0001` or `x_mip`, and `x`). Files that
collide keep their DICOM suffix in the name. Names that still collide are numbered `-2`, `-3`, in the order of the
entries.

The other names do not depend on the rest of the folder. `base_of` and `is_related` say which entries can influence
each other, so that a large folder can be named in parts (`naming.py`).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import compress, count
from operator import not_

from plainfilm.pickling import dataclass
from plainfilm.sources.entries import Entry
from plainfilm.sources.naming_rules import (
    DICOM_SUFFIXES,
    FRAME_PATTERN,
    IMAGE_SUFFIXES,
    file_name_blocked_by,
    fold,
    instance_of,
    sanitize,
    split_suffix,
)

_SUFFIX = rf"\.(?:{'|'.join(sorted(DICOM_SUFFIXES | IMAGE_SUFFIXES))})"
_NUMBER = "-[0-9]+"
# (?<=.): a name that consists of a suffix alone has no other stem
_SUFFIXES_AT_END = re.compile(rf"(?<=.)(?:{_SUFFIX})+\Z", re.DOTALL)
_EXTENSIONS_AT_END = re.compile(rf"(?<=.)(?:{_SUFFIX}|{FRAME_PATTERN})+\Z", re.DOTALL)
_EXTENSIONS_OR_NUMBERS = re.compile(rf"(?:{_SUFFIX}|{FRAME_PATTERN}|{_NUMBER})*")


@dataclass(frozen=True, slots=True)
class EntryNames:
    """The names of a folder's entry.

    name: in OUT, without the suffix of the image; unique within the folder, case folded.
    source: in the tables; unique among the files and among the folders.
    shares_source: whether this is a folder, and a file beside it has the same source.
    """

    name: str
    source: str
    shares_source: bool = False


def name_alone(entry: Entry) -> EntryNames:
    """Return the names of an entry that collides with no other one."""
    stem, suffix = (entry.name, "") if entry.kind.is_folder else split_suffix(entry.name)
    safe = sanitize(stem)
    return EntryNames(safe, safe + suffix)


def name_together(entries: Sequence[Entry], reserved: Sequence[str]) -> Iterator[tuple[Entry, EntryNames]]:
    """Yield each entry of a folder, in the order given, with its names.

    reserved: names that no folder among the entries gets.
    """
    single_names = [name_alone(entry) for entry in entries]
    is_folder = [entry.kind.is_folder for entry in entries]
    folders = _name_folders(list(compress(single_names, is_folder)), reserved)
    files = _name_files(list(compress(single_names, map(not_, is_folder))), [names.name for names in folders])
    file_sources = {names.source for names in files} if folders else set()
    next_folder, next_file = iter(folders), iter(files)
    for entry in entries:
        names = next(next_folder if entry.kind.is_folder else next_file)
        if entry.kind.is_folder and names.source in file_sources:
            names = replace(names, shares_source=True)
        yield entry, names


def _name_folders(single_names: list[EntryNames], reserved: Sequence[str]) -> list[EntryNames]:
    """Name the folders in one folder; none gets a reserved name."""
    preferred = [names.name for names in single_names]
    return _renamed(single_names, _number_collisions(preferred, fold, reserved), _number_collisions(preferred, str))


def _name_files(single_names: list[EntryNames], folder_names: Iterable[str]) -> list[EntryNames]:
    """Name the files in one folder; no image gets the path of a folder, whose names in OUT are `folder_names`."""
    blocked = [name for name in map(file_name_blocked_by, folder_names) if name]
    full = [names.source for names in single_names]
    preferred = _choose_full_names([names.name for names in single_names], full, blocked)
    return _renamed(single_names, _number_collisions(preferred, fold, blocked), _number_collisions(full, str))


def _renamed(single_names: list[EntryNames], names: list[str], sources: list[str]) -> list[EntryNames]:
    return [
        own_names if (own_names.name, own_names.source) == (name, source) else EntryNames(name, source)
        for own_names, name, source in zip(single_names, names, sources, strict=True)
    ]


class UsedNames:
    """The names in use in one folder, compared by a key: `fold` for names in OUT, `str` for sources.

    With `fold`, a name also collides with its frames and with the instance that it can be a frame of.
    """

    def __init__(self, key: Callable[[str], str], names: Iterable[str] = ()) -> None:
        self.key = key
        self._keys: Counter[str] = Counter()
        self._instances: set[str] = set()
        self.add(names)

    @property
    def has_collisions(self) -> bool:
        """Whether any two of these names collide."""
        return len(self._keys) < self._keys.total() or not self._instances.isdisjoint(self._keys)

    def add(self, names: Iterable[str]) -> None:
        """Add names, which may be in use already."""
        keys = [self.key(name) for name in names]
        self._keys.update(keys)
        if self.key is fold:
            self._instances.update(instance for key in keys if (instance := instance_of(key)) is not None)

    def collides(self, name: str, times: int = 1) -> bool:
        """Return whether the name is in use at least `times` times, or collides with a frame or an instance."""
        key = self.key(name)
        if self._keys.get(key, 0) >= times or key in self._instances:
            return True
        return self.key is fold and (instance_of(key) or "") in self._keys


def _choose_full_names(short: list[str], full: list[str], blocked: list[str]) -> list[str]:
    """Replace the short names that collide by the full ones, until no name that collides can be replaced."""
    names = list(short)
    while True:
        used = UsedNames(fold, [*names, *blocked])
        if not used.has_collisions:
            return names
        positions = [
            position for position, name in enumerate(names) if name != full[position] and used.collides(name, times=2)
        ]
        if not positions:
            return names
        for position in positions:
            names[position] = full[position]


def _number_collisions(preferred: list[str], key: Callable[[str], str], reserved: Sequence[str] = ()) -> list[str]:
    """Append `-2`, `-3` to the names that collide with an earlier or reserved name; avoid all preferred names."""
    if not UsedNames(key, [*preferred, *reserved]).has_collisions:
        return preferred
    used, all_preferred = UsedNames(key, reserved), UsedNames(key, preferred)
    last_numbers: Counter[str] = Counter()
    names = []
    for name in preferred:
        if used.collides(name):
            numbers = count(max(2, last_numbers[key(name)] + 1))
            number = next(
                number
                for number in numbers
                if not used.collides(f"{name}-{number}") and not all_preferred.collides(f"{name}-{number}")
            )
            last_numbers[key(name)] = number
            name = f"{name}-{number}"
        used.add([name])
        names.append(name)
    return names


def stem_of(entry: Entry) -> str:
    """Return the folded safe name of an entry without its DICOM and image suffixes.

    Entries whose names or sources are equal have equal stems. A folder `x.png` has the same stem as the files whose
    images would get its path.
    """
    return _SUFFIXES_AT_END.sub("", fold(name_alone(entry).name))


def instance_stem_of(stem: str) -> str | None:
    """Return the stem of the instance that a stem can be a frame of; None if it has no such form."""
    instance = instance_of(stem)
    return None if instance is None else _SUFFIXES_AT_END.sub("", instance)


def base_of(stem: str) -> str:
    """Return the base of a stem: the stem without suffixes and frames. Entries that collide have the same base."""
    return _EXTENSIONS_AT_END.sub("", stem)


def is_related(stem: str, base: str) -> bool:
    """Return whether an entry of this stem belongs to the entries that are named together for this base.

    It belongs to them if it is the base followed by any suffixes, frames and numbers, because a number that is appended
    to another entry of this base can make the two names equal.
    """
    return stem.startswith(base) and _EXTENSIONS_OR_NUMBERS.fullmatch(stem, len(base)) is not None
