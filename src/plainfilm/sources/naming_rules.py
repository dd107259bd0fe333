# SPDX-License-Identifier: MIT
"""The names in one folder of a source -> the names of its images and table rows: safe, unique, from these names alone.

A name meets another when their images could meet: equal after NFC and case folding, or `x_f0001` beside `x`, whose
frames may be called so. Files that meet keep their full names; what still meets is numbered `-2`, `-3` in that order.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

LONGEST = 200
DICOM_SUFFIXES = frozenset({"dcm", "dicom", "dic", "ima"})
IMAGE_SUFFIX = ".png"
IMAGE_SUFFIXES = frozenset({"png", "jpg", "jpeg", "webp", "tif", "tiff", "jxl", "npy"})
TABLES = ("metadata.csv", "metadata.jsonl", "metadata.parquet")
# what a run puts at the top of OUT beside the images
RESERVED_AT_TOP = (
    ".plainfilm",
    "__overlays",
    "report",
    "report.html",
    "run.json",
    "failures.csv",
    "failures.jsonl",
    "failures.parquet",
)

# control characters, what paths and Windows forbid, line separators, bidirectional overrides, bytes that are not UTF-8
_UNBEARABLE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"/\\|?*\u2028-\u202e\u2066-\u2069\ud800-\udfff]')
_LEADING = ("=", "+", "-", "@")
_TRAILING = (".", " ")
_DEVICE = re.compile(r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?= *(?:\.|$))", re.IGNORECASE)
_UID = re.compile(r"[0-9][0-9.]{0,63}")
_FRAME = re.compile(r"(.+)_f[0-9]{4,}", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Named:
    """What an entry of a folder is called: `name` in OUT (without the image's suffix), `source` in the tables.

    of_a_file_too: whether a file beside this folder has the same source, which then cannot stand for the folder itself.
    """

    name: str
    source: str
    of_a_file_too: bool = False


def frame_name(name: str, frame: int, frames: int) -> str:
    """The name of a frame, counted from 1, of an instance of so many: with `_f0001` when there are several."""
    return f"{name}_f{frame:04d}" if frames > 1 else name


def uid_name(uid: str) -> str | None:
    """The name of an instance by its SOP Instance UID (PS3.5 9.1); None for one that is no UID."""
    stripped = uid.strip(" \0")
    return stripped if _UID.fullmatch(stripped) else None


def split_suffix(name: str) -> tuple[str, str]:
    """A file name without its DICOM suffix, and that suffix with its dot ('' for any other)."""
    stem, dot, suffix = name.rpartition(".")
    return (stem, dot + suffix) if stem and suffix.lower() in DICOM_SUFFIXES else (name, "")


def sanitize(component: str) -> str:
    """A component of a path that file systems and spreadsheets bear: NFC, `_` for what they do not, 200 bytes."""
    text = _UNBEARABLE.sub("_", unicodedata.normalize("NFC", component))
    if text.startswith(_LEADING):
        text = "_" + text[1:]
    if not text or text.endswith(_TRAILING):
        text = text[:-1] + "_"
    return _shortened(_DEVICE.sub("_", text) if _DEVICE.match(text) else text, component)


def _shortened(text: str, component: str) -> str:
    encoded = text.encode()
    if len(encoded) <= LONGEST:
        return text
    digest = hashlib.sha256(component.encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return f"{encoded[: LONGEST - 17].decode(errors='ignore')}-{digest}"


def name_folders(folders: Sequence[str], *, at_top: bool = False) -> list[Named]:
    """Names of the folders in one folder, in the order given; `at_top` of OUT those of its own files are taken."""
    wanted = [sanitize(folder) for folder in folders]
    return _paired(_numbered(wanted, Taken(fold, taken_by_the_run(at_top=at_top))), _numbered(wanted, Taken(str)))


def taken_by_the_run(*, at_top: bool) -> tuple[str, ...]:
    """What no folder of images in a folder of OUT, or at its top, may be called."""
    return TABLES + (RESERVED_AT_TOP if at_top else ())


def name_files(files: Sequence[str], beside: Iterable[str] = ()) -> list[Named]:
    """Names of the files in one folder, in the order given; `beside` are the output names of the folders there."""
    split = [split_suffix(file) for file in files]
    short = [sanitize(stem) for stem, _ in split]
    full = [stem + suffix for stem, (_, suffix) in zip(short, split, strict=True)]
    occupied = [slot for slot in map(slot_of, beside) if slot]
    names = _full_where_they_meet(short, full, occupied)
    return _paired(_numbered(names, Taken(fold, occupied)), _numbered(full, Taken(str)))


def fold(name: str) -> str:
    """What two names have in common that a file system may take for one."""
    return name.lower() if name.isascii() else unicodedata.normalize("NFC", name.casefold())


def _paired(names: list[str], sources: list[str]) -> list[Named]:
    return [Named(name, source) for name, source in zip(names, sources, strict=True)]


def slot_of(folder: str) -> str:
    """The name that a file must not have because a folder is called like its image."""
    stem, _, suffix = folder.rpartition(".")
    return stem if suffix.lower() in IMAGE_SUFFIXES else ""


def instance_of(key: str) -> str | None:
    """The folded name of the instance that a folded name could be a frame of: `x` of `x_f0001`."""
    found = _FRAME.fullmatch(key) if "_f" in key else None
    return found[1] if found else None


def _full_where_they_meet(short: list[str], full: list[str], occupied: list[str]) -> list[str]:
    chosen = list(short)
    while True:
        taken = Taken(fold, [*chosen, *occupied])
        meeting = [at for at, name in enumerate(chosen) if name != full[at] and taken.meets(name, times=2)]
        if not meeting:
            return chosen
        for at in meeting:
            chosen[at] = full[at]


def _numbered(wanted: list[str], taken: Taken) -> list[str]:
    others = Taken(taken.key, wanted)
    if not any(taken.meets(name) or others.meets(name, times=2) for name in wanted):
        return wanted
    return numbered(wanted, taken, others)


class Others(Protocol):
    """All names that are wanted in one folder."""

    def meets(self, name: str) -> bool:
        """Whether the name meets one of them."""


def numbered(wanted: Iterable[str], taken: Taken, others: Others) -> list[str]:
    """The names with `-2`, `-3` on those that meet one before them or one that is taken already."""
    following: Counter[str] = Counter()
    names = []
    for name in wanted:
        key = taken.key(name)
        if taken.meets(name):
            following[key] = next(
                number
                for number in count(max(2, following[key] + 1))
                if not taken.meets(f"{name}-{number}") and not others.meets(f"{name}-{number}")
            )
            name = f"{name}-{following[key]}"
        taken.add([name])
        names.append(name)
    return names


class Taken:
    """The names taken in one folder, told apart by a key, and the instances whose frames some of them could be."""

    def __init__(self, key: Callable[[str], str], names: Iterable[str] = ()) -> None:
        self.key = key
        self._keys: Counter[str] = Counter()
        self._instances: set[str] = set()
        self.add(names)

    def add(self, names: Iterable[str]) -> None:
        keys = [self.key(name) for name in names]
        self._keys.update(keys)
        if self.key is fold:
            self._instances.update(instance for key in keys if (instance := instance_of(key)) is not None)

    def meets(self, name: str, times: int = 1) -> bool:
        """Whether the name is there so many times, or is beside its frame or its instance."""
        key = self.key(name)
        if self._keys.get(key, 0) >= times or key in self._instances:
            return True
        return self.key is fold and (instance_of(key) or "") in self._keys
