# SPDX-License-Identifier: MIT
"""Name images by SOP Instance (`--names uid`, `--names tags`), also where several sources are the same one.

All such images are kept. The source that sorts first gets the plain name; every other source gets `-` and the first
digits of its own hash behind the UID. During a run, names are assigned in the order of arrival. At the end of the run,
images are renamed to the canonical names, so that the result depends neither on the workers nor on interruptions.

A *stem* is the part of a file name that all frames of a source share: `1.2.3`, or `1.2.3-0a1b2c3d`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from plainfilm.conversion.job import StagedImage
from plainfilm.conversion.moves import Move, move_images
from plainfilm.ledger.ledger import Ledger
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Record
from plainfilm.sources.naming_rules import FRAME_PATTERN

_INSTANCES_PER_BATCH = 256
_DIGITS = 8
HASH_DIGITS = 32
# the UID, or terms and digits; `-` and digits of the source's hash, with its number if it has one; frame and suffix. A
# name that is not by UID or by terms has a folder.
_NAME = re.compile(rf"([0-9.]+|(?:[a-z]+_)*[0-9a-f]{{8}})(-[0-9a-f]+(?:-[0-9]+)?)?((?:{FRAME_PATTERN})?\.[a-z0-9]+)")


class InstanceNames:
    """Assigns names by UID or by terms in one run.

    Every method raises StorageFullError and RunError where it cannot continue.
    """

    def __init__(self, output: FolderOutput, ledger: Ledger, depth: int = 0, digits: int = HASH_DIGITS) -> None:
        """Sources are grouped by the first `digits` of the keyed hash of their SOP Instance.

        depth: the number of folders, of a split and of a class, that come before the names in the ledger.
        """
        self._output = output
        self._ledger = ledger
        self._depth = depth
        self._digits = digits
        self._is_share = output.names.share is not None
        if not self._is_share:
            ledger.instances.create_index()

    def assign(self, images: Iterable[StagedImage]) -> list[StagedImage]:
        """Return the images of a batch, in table order, with names that no other source has, and in no folder yet.

        A shard does not know the sources of the others, so each of its sources has its own hash in its names.
        """
        if self._is_share:
            return [self._with_own_stem(image) for image in images]
        stems_of_instances: dict[str, dict[str, str]] = {}
        assigned = []
        for image in sorted(images, key=lambda image: (image.record.source, image.record.number)):
            record = image.record
            if _NAME.fullmatch(record.file_name):
                group = record.sop_instance[: self._digits]
                if group not in stems_of_instances:
                    stems_of_instances[group] = self._current_stems(group)
                stems = stems_of_instances[group]
                if record.source not in stems:
                    stems[record.source] = _free_stem(_uid_of(record.file_name), record.source, stems.values())
                image = replace(image, record=_with_stem(record, stems[record.source]))
            assigned.append(image)
        return assigned

    def _with_own_stem(self, image: StagedImage) -> StagedImage:
        record = image.record
        if not _NAME.fullmatch(record.file_name):
            return image
        return replace(image, record=_with_stem(record, f"{_uid_of(record.file_name)}-{record.source}"))

    def canonicalize_names(self, is_stopped: Callable[[], bool]) -> None:
        """Rename images until, of each SOP Instance, the source that sorts first has the plain name."""
        last = ""
        while not is_stopped() and (batch := self._ledger.instances.with_suffixes(last, _INSTANCES_PER_BATCH)):
            self._canonicalize_batch(batch)
            last = batch[-1]

    def _canonicalize_batch(self, instances: Iterable[str]) -> None:
        groups = dict.fromkeys(instance[: self._digits] for instance in instances)
        current = {group: self._current_stems(group) for group in groups}
        canonical = {instance: _canonical_stems(stems) for instance, stems in current.items()}
        changed = {
            source: stem
            for instance, stems in canonical.items()
            for source, stem in stems.items()
            if current[instance][source] != stem
        }
        # the plain name must become free before another source gets it
        failed = self._rename({source: stem for source, stem in changed.items() if "-" in stem})
        plain = {
            source: stem
            for stems in canonical.values()
            if not failed & set(stems)
            for source, stem in stems.items()
            if source in changed and "-" not in stem
        }
        self._rename(plain)

    def _current_stems(self, group: str) -> dict[str, str]:
        """Return the sources of a group that have names by UID or by terms, each with its stem."""
        names = self._ledger.instances.file_names(group)
        base_names = {source: base_name(name, self._depth) for source, name in names.items()}
        return {source: _stem_of(name) for source, name in base_names.items() if _NAME.fullmatch(name)}

    def _rename(self, stems: Mapping[str, str]) -> set[str]:
        """Rename all images of these sources; return the sources whose images could not be renamed."""
        return move_images(
            self._output,
            self._ledger,
            {
                source: [self._move(record, stem) for record in self._ledger.images_of_source(source)]
                for source, stem in stems.items()
            },
        )

    def _move(self, record: Record, stem: str) -> Move:
        base = base_name(record.file_name, self._depth)
        folder = record.file_name.removesuffix(base)
        return Move(record, replace(record, file_name=folder + stem + _parts_of(base)[2]))


def base_name(file_name: str, depth: int) -> str:
    """Return a file name without its first `depth` folders."""
    return file_name.split("/", depth)[-1]


def plain_name(file_name: str) -> str:
    """Return the name of an image as that source of its instance has it that sorts first; other names stay."""
    match = _NAME.fullmatch(file_name)
    return file_name if match is None else match[1] + match[3]


def _canonical_stems(current: Mapping[str, str]) -> dict[str, str]:
    """Return the stems that the sources of one SOP Instance get in the end; the order of arrival does not matter."""
    first, *others = sorted(current)
    stems = {first: current[first].partition("-")[0]}
    for source in others:
        stems[source] = _free_stem(current[source].partition("-")[0], source, stems.values())
    return stems


def _free_stem(uid: str, source: str, stems: Iterable[str]) -> str:
    """Return a stem for a source that differs from those of the other sources of the SOP Instance."""
    taken = set(stems)
    if uid not in taken:
        return uid
    # two files of one source have `-2` behind the hash, which keeps their digits apart
    short = f"{uid}-{source[:_DIGITS]}{source[HASH_DIGITS:]}"
    return f"{uid}-{source}" if short in taken else short


def _parts_of(file_name: str) -> tuple[str, str, str]:
    match = _NAME.fullmatch(file_name)
    assert match is not None
    return match[1], match[2] or "", match[3]


def _uid_of(file_name: str) -> str:
    return _parts_of(file_name)[0]


def _stem_of(file_name: str) -> str:
    uid, digits, _ = _parts_of(file_name)
    return uid + digits


def _with_stem(record: Record, stem: str) -> Record:
    return replace(record, file_name=stem + _parts_of(record.file_name)[2])
