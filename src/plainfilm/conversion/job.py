# SPDX-License-Identifier: MIT
"""What a run hands its workers, and what it gets back: values alone, and no library that knows pixels."""

from __future__ import annotations

import pickle
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from plainfilm.conversion.pseudonyms import Key
from plainfilm.options.options import Options
from plainfilm.options.redaction import NO_REDACTION_BOXES, RedactionBoxes
from plainfilm.pickling import FastPickle
from plainfilm.records import Record
from plainfilm.sources.reference import Reference

# apart from the images, whose names it cannot meet; loaders of image folders pass over what begins with __
OVERLAY_FOLDER = "__overlays"


@dataclass(frozen=True, slots=True)
class RunContext:
    """What is the same for all references of a run; where `out` is None the encoded image itself is the outcome.

    presentations: the index of the presentation states among the sources, where they are to be looked for.
    """

    options: Options
    key: Key
    out: Path | None
    presentations: Path | None = None

    def seal(self) -> bytes:
        """As bytes, which are made once, and read once by each worker."""
        return pickle.dumps(self)


@lru_cache(1)
def _opened(sealed: bytes) -> RunContext:
    orders: RunContext = pickle.loads(sealed)
    return orders


@dataclass(frozen=True, slots=True)
class ConvertJob(FastPickle):
    """One reference to convert by the sealed orders of its run.

    boxes: what of this reference alone is blacked out, beside what the options say of all.
    """

    reference: Reference
    sealed: bytes
    boxes: RedactionBoxes = NO_REDACTION_BOXES

    @property
    def orders(self) -> RunContext:
        """What is to be done with it."""
        return _opened(self.sealed)


@dataclass(frozen=True, slots=True)
class EncodedImage(FastPickle):
    """An encoded image that is not written by the worker, with its row."""

    record: Record
    encoded: bytes


@dataclass(frozen=True, slots=True)
class StagedImage(FastPickle):
    """An image that is on the disk and has no name yet, with its row; `staged` is what the sink calls it.

    masks: what the sink calls the pictures of its overlay planes, and the names that they will have.
    """

    record: Record
    staged: str
    masks: tuple[tuple[str, str], ...] = ()

    @property
    def names(self) -> dict[str, str]:
        """What the sink calls each of its files, and the name that it will have; the image is the last."""
        return {**dict(self.masks), self.staged: self.record.file_name}
