# SPDX-License-Identifier: MIT
"""The values that a run sends to its workers and receives from them. This module loads no library for pixels."""

from __future__ import annotations

import pickle
import sys
from functools import lru_cache
from pathlib import Path

from plainfilm.conversion.pseudonyms import Key
from plainfilm.options.options import Options
from plainfilm.options.privacy import NO_REDACTION_BOXES, RedactionBoxes
from plainfilm.pickling import FastPickle, dataclass
from plainfilm.records import Record
from plainfilm.sources.reference import Reference
from plainfilm.sources.remote_file import RemoteUrl

# apart from the images, so that names cannot collide; loaders of image folders ignore folders that begin with __
OVERLAY_FOLDER = "__overlays"
# in which a process can open the files that another one holds open
PROCESS_FILES = Path("/proc/self/fd")


@dataclass(frozen=True, slots=True)
class ArrayFolder:
    """The folder for temporary files; `has_names`: whether they have names in it until they are received."""

    path: Path
    has_names: bool = not (sys.platform == "linux" and PROCESS_FILES.is_dir())


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all jobs of a run have in common.

    options: the options of the run.
    key: the key of the keyed hashes; None leaves them empty.
    out: the folder OUT; None if the worker returns the image instead of writing it.
    store: the URL of OUT, if the worker puts the images into the store because it does not see the folder.
    presentation_index: the index of the presentation states among the sources, with `--presentation auto`.
    removed_patients: the keyed hashes of patients that were removed from OUT and must not come back.
    arrays: the folder for arrays, if the worker returns images as arrays and not as encoded files.
    """

    options: Options
    key: Key | None
    out: Path | None
    presentation_index: Path | None = None
    arrays: ArrayFolder | None = None
    removed_patients: frozenset[str] = frozenset()
    store: RemoteUrl | None = None

    def to_bytes(self) -> bytes:
        """Return the context as bytes: a run pickles it once, and each worker unpickles it once."""
        return pickle.dumps(self)


@lru_cache(1)
def _context_from_bytes(context_bytes: bytes) -> RunContext:
    context: RunContext = pickle.loads(context_bytes)
    return context


@dataclass(frozen=True, slots=True)
class ConvertJob(FastPickle):
    """One source to convert.

    reference: the source.
    context_bytes: the context of the run, from `RunContext.to_bytes`.
    boxes: the redaction boxes of this source alone; those of all sources are in the options.
    label_key: the key of the source in the label file where its path is the key, otherwise ''.
    """

    reference: Reference
    context_bytes: bytes
    boxes: RedactionBoxes = NO_REDACTION_BOXES
    label_key: str = ""

    @property
    def context(self) -> RunContext:
        """The context of the run."""
        return _context_from_bytes(self.context_bytes)


@dataclass(frozen=True, slots=True)
class EncodedImage(FastPickle):
    """An encoded image that the worker did not write, with its row."""

    record: Record
    encoded: bytes


@dataclass(frozen=True, slots=True)
class ArrayFile(FastPickle):
    """An array in a file that the worker has written. descriptor: the open file in the worker; None for a named one."""

    path: str
    dtype: str
    shape: tuple[int, ...]
    descriptor: int | None


@dataclass(frozen=True, slots=True)
class ArrayImage(FastPickle):
    """An image whose array the worker has written, with its row."""

    record: Record
    file: ArrayFile


@dataclass(frozen=True, slots=True)
class StagedOverlay(FastPickle):
    """The staged image of an overlay plane, and the name that it gets when it is published.

    size: the bytes of its file. sha256: their SHA-256 in hexadecimal digits.
    """

    temporary_name: str
    file_name: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class StagedImage(FastPickle):
    """A staged image with its row. The row says which name the image gets when it is published.

    preview: what the report shows of the image; empty where no report is asked for.
    size: the bytes of the file of the image.
    """

    record: Record
    temporary_name: str
    overlays: tuple[StagedOverlay, ...] = ()
    preview: bytes = b""
    size: int = 0

    @property
    def final_names(self) -> dict[str, str]:
        """The temporary name of each file -> its name relative to OUT; the image is the last."""
        names = {overlay.temporary_name: overlay.file_name for overlay in self.overlays}
        return names | {self.temporary_name: self.record.file_name}
