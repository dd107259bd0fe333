# SPDX-License-Identifier: MIT
"""Give objects of a store the names that the files have which stand for them, by copies within the store.

The names may form chains and circles: an object whose name another one is about to get is first copied to a private
name. A process may be killed between any two steps: each file stands for an object that is there, at any moment.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from plainfilm.errors import Reason, RunError, Stage
from plainfilm.output.directory import temporary_name
from plainfilm.output.ownership import STAGING
from plainfilm.output.placeholder import digest_of_name, read_placeholder, repoint_placeholder
from plainfilm.output.storage import translate_private_errors


@dataclass(frozen=True, slots=True)
class CopyPlan:
    """The copies to make; each maps the name of a new object to the name of its origin.

    rescues: those to private names, which come first. renames: those to the names of the files.
    """

    rescues: Mapping[str, str]
    renames: Mapping[str, str]


def plan_copies(placeholders: Mapping[str, bytes], uploads: Collection[str], objects: Iterable[str]) -> CopyPlan:
    """Return the copies that are missing.

    placeholders: the name of each file that stands for an object -> the hash that it has of the object's name.
    uploads: the names of ordinary files, which will replace objects. objects: the names of all objects, also staged
    ones.

    Raises RunError for a file whose object is not there.
    """
    moved = {name: digest for name, digest in placeholders.items() if digest != digest_of_name(name)}
    names = {digest_of_name(name): name for name in objects} if moved else {}
    if any(digest not in names for digest in moved.values()):
        message = "an image that was put into OUT is no longer there: run again, which converts it again"
        raise RunError(message, reason=Reason.WRITE_FAILED, stage=Stage.WRITE)
    renames = {name: names[digest] for name, digest in moved.items()}
    overwritten = {origin for origin in renames.values() if origin in renames or origin in uploads}
    private = {origin: f"{STAGING}/{temporary_name()}" for origin in sorted(overwritten)}
    return CopyPlan(
        {name: origin for origin, name in private.items()},
        {name: private.get(origin, origin) for name, origin in renames.items()},
    )


def copy_objects(folder: Path, plan: CopyPlan, copy: Callable[[Mapping[str, str]], None]) -> None:
    """Make the copies of a plan, after which each file stands for the object of its own name. Raises RunError.

    copy: makes several copies within the store. The objects that were copied stay.
    """
    copy(plan.rescues)
    _repoint(folder, {name: origin for name, origin in plan.renames.items() if origin in plan.rescues})
    copy(plan.renames)
    _repoint(folder, {name: name for name in plan.renames})


def remove_lost_placeholders(files: Mapping[str, Path], objects: Iterable[str], replaced: Collection[str]) -> None:
    """Remove the files that stand for objects which are not there, so that a run makes them again. Raises RunError.

    files: the files to examine, by their names. objects: the names of all objects, also staged ones.
    replaced: the names of objects that another program has written.
    """
    placeholders = {name: digest for name, path in files.items() if (digest := read_placeholder(path)) is not None}
    present = {digest_of_name(name) for name in objects} if placeholders else set()
    for name, digest in placeholders.items():
        if digest not in present or (name in replaced and digest == digest_of_name(name)):
            with translate_private_errors(files[name].parent):
                files[name].unlink()


def _repoint(folder: Path, names: Mapping[str, str]) -> None:
    """Let files stand for other objects of the same bytes; names: the name of each file -> that of the object."""
    with translate_private_errors(folder):
        for name, object_name in names.items():
            repoint_placeholder(folder / name, object_name)
