# SPDX-License-Identifier: MIT
"""Put what a run has changed into an OUT in a store.

The order in which objects are put is that in which they refer to one another: images, tables, the list of the objects,
the ledger at last. Obsolete objects are removed after that. A run that is killed leaves whole objects and the ledger
that was there before, and the next run continues in the folder.

A placeholder that was renamed is an object that gets another name: the store copies it. An object to which another
placeholder refers is not replaced before that one has its copy.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path

from plainfilm.errors import Reason, RunError
from plainfilm.options.counting import counted
from plainfilm.output.ownership import LEDGER, OBJECTS_SUFFIX, PrivateNames, is_private, shares_among
from plainfilm.output.placeholder import LEAST_SIZE, digest_of_name, read_placeholder, repoint_placeholder
from plainfilm.output.remote_out import BEING_PUT, RemoteOut
from plainfilm.output.remote_state import Inventory, KnownObject
from plainfilm.output.storage import translate_private_errors
from plainfilm.sources.remote_file import RemoteFile

_TABLES = ("metadata.", "failures.", "run.json", "README.md", "report")


def put_changes(out: RemoteOut, *, keeps_files: bool) -> None:
    """Put what has changed in the folder since it was last put, and remove what is gone. Raises RunError.

    keeps_files: whether the files of images stay in the folder; else placeholders take their place.
    """
    objects = out.store.list()
    files = {name: path for name, path in out.files() if out.has_changed(name, path, objects)}
    copies = _copies(out, files, objects)
    _copy(out, copies)
    own = {name: path for name, path in files.items() if name not in copies and read_placeholder(path) is None}
    for group in (False, True):
        _put(out, {name: path for name, path in own.items() if _is_table(name) is group})
    objects = out.store.list()
    _note_versions(out, objects)
    _put_ledger(out, objects, is_changed=bool(files))
    if not keeps_files:
        for name in own.keys() | out.fetched:
            path = out.folder / name
            is_put = path.is_file() and not out.has_changed(name, path, objects)
            if is_put and not _is_table(name) and out.known[name].size >= LEAST_SIZE:
                out.release(name)


def _copies(out: RemoteOut, files: Mapping[str, Path], objects: Mapping[str, RemoteFile]) -> dict[str, str]:
    """Return the placeholders among the files that stand for an object of another name, each with that name.

    Raises RunError where somebody has removed an object for which a placeholder stands.
    """
    digests = {name: digest for name, path in files.items() if (digest := read_placeholder(path)) is not None}
    origins = {digest_of_name(name): name for name in objects} if digests else {}
    if lost := sum(digest not in origins for digest in digests.values()):
        message = (
            f"OUT: {counted(lost, 'image of this run is', 'images of this run are')} no longer in the store: run again"
        )
        raise RunError(message, reason=Reason.NETWORK)
    for name in digests:
        _note_being_put(out, name)
    return {name: origins[digest] for name, digest in digests.items() if origins[digest] != name}


def _copy(out: RemoteOut, copies: dict[str, str]) -> None:
    """Let the store copy objects; copies: the name of each object -> that of the object which it is a copy of."""
    remaining = dict(copies)
    while remaining:
        needed = set(remaining.values())
        free = {name: origin for name, origin in remaining.items() if name not in needed}
        if not free:
            # the names go round in a circle
            remaining = _with_spare(out, remaining)
            continue
        out.save()
        out.store.copy(free)
        for name in free:
            _repoint(out, name, name)
            del remaining[name]


def _with_spare(out: RemoteOut, copies: Mapping[str, str]) -> dict[str, str]:
    """Copy one object to a private name, and return the copies with this name instead of that of the object."""
    name = next(iter(copies))
    spare = f"{out.names.staging}/{digest_of_name(name).hex()}"
    out.store.copy({spare: name})
    for target, origin in copies.items():
        if origin == name:
            _repoint(out, target, spare)
    return {target: spare if origin == name else origin for target, origin in copies.items()}


def _put(out: RemoteOut, files: Mapping[str, Path]) -> None:
    for name in files:
        _note_being_put(out, name)
    out.store.put(files)


def _put_ledger(out: RemoteOut, objects: Mapping[str, RemoteFile], *, is_changed: bool) -> None:
    """Put the list of the objects and the ledger, and remove the objects that are obsolete then.

    is_changed: whether other objects were put.
    """
    ledger, path = out.names.ledger, out.folder / out.names.ledger
    gone = _gone(out)
    obsolete = {name: objects[name].version for name in gone if name in objects}
    if path.is_file() and (is_changed or gone or out.has_changed(ledger, path, objects)):
        out.store.put_bytes(out.names.objects, _inventory(out, obsolete).to_bytes(path))
        status = path.stat()
        out.store.put({ledger: path})
        if (file := out.store.find(ledger)) is not None:
            out.known[ledger] = KnownObject(status.st_size, status.st_mtime_ns, file.version)
    # those of shards first: as long as they are there, they may be merged again
    for names in ([name for name in gone if is_private(name)], [name for name in gone if not is_private(name)]):
        out.store.remove(names)
        for name in names:
            del out.known[name]
    if path.is_file() and obsolete:
        # the names of images that were removed for good must not stay
        out.store.put_bytes(out.names.objects, _inventory(out, {}).to_bytes(path))
    out.store.remove(_leftovers(out, objects.keys() - set(gone)))
    out.save()


def _inventory(out: RemoteOut, obsolete: Mapping[str, int]) -> Inventory:
    """Return the list of the objects of OUT; obsolete: those that are to be removed, with their versions."""
    versions = {name: known.version for name, known in out.known.items() if not is_private(name)}
    return Inventory({name: version for name, version in versions.items() if name not in obsolete}, obsolete)


def _gone(out: RemoteOut) -> list[str]:
    """Return the objects that this machine knows and that the folder no longer has."""
    names = [name for name in out.known if not (out.folder / name).is_file()]
    return [name for name in names if name not in (LEDGER, out.names.ledger)]


def _leftovers(out: RemoteOut, names: Set[str]) -> list[str]:
    """Return the private objects that are of no use: what was staged, and the lists of shards that are merged."""
    staged = [name for name in names if name.startswith(f"{out.names.staging}/")]
    if out.names.share is not None:
        return staged
    present = {PrivateNames(share).objects for share in shares_among(names)}
    lists = {name for name in names if is_private(name) and name.endswith(OBJECTS_SUFFIX)}
    return [*staged, *(lists - present - {out.names.objects})]


def _note_versions(out: RemoteOut, objects: Mapping[str, RemoteFile]) -> None:
    """Note the versions that the store has given what was put."""
    for name, known in list(out.known.items()):
        if known.version == BEING_PUT and name in objects:
            out.known[name] = KnownObject(known.size, known.mtime_ns, objects[name].version)
    out.save()


def _note_being_put(out: RemoteOut, name: str) -> None:
    status = (out.folder / name).stat()
    out.known[name] = KnownObject(status.st_size, status.st_mtime_ns, BEING_PUT)


def _repoint(out: RemoteOut, name: str, origin: str) -> None:
    with translate_private_errors(out.state):
        repoint_placeholder(out.folder / name, origin)


def _is_table(name: str) -> bool:
    """Whether a file lists or describes images, so that it is put after them."""
    return name.rpartition("/")[2].startswith(_TABLES)
