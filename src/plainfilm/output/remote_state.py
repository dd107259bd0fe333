# SPDX-License-Identifier: MIT
"""What is known of the objects of an OUT in a store: by this machine, and by the store itself.

This machine keeps a file of the objects that it has put or fetched. The store has, beside each ledger, an object that
lists the objects that were there when the ledger was put. A machine that finds an object as it is in this list need not
read it: it has the bytes that the ledger says.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path

from plainfilm.output.storage import translate_private_errors
from plainfilm.pickling import dataclass

_RECORD = "objects.json"


@dataclass(frozen=True, slots=True)
class KnownObject:
    """An object as this machine last put or fetched it: the size and time of its file, and the object's version."""

    size: int
    mtime_ns: int
    version: int


def read_known(state: Path) -> dict[str, KnownObject]:
    """Return the objects that this machine has put or fetched, by their names in OUT; none where no file says so."""
    try:
        record = json.loads((state / _RECORD).read_text())
        return {name: KnownObject(*map(int, values)) for name, values in record.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}


def write_known(state: Path, known: Mapping[str, KnownObject]) -> None:
    """Store what `read_known` returns. Raises StorageFullError and RunError."""
    record = {name: [item.size, item.mtime_ns, item.version] for name, item in known.items()}
    partial = state / f"{_RECORD}.new"
    with translate_private_errors(state):
        partial.write_text(json.dumps(record))
        partial.replace(state / _RECORD)


@dataclass(frozen=True, slots=True)
class Inventory:
    """The objects of OUT that belong to a ledger, by name, each with its version.

    obsolete: those that were to be removed after the ledger had been put.
    """

    objects: Mapping[str, int] = field(default_factory=dict)
    obsolete: Mapping[str, int] = field(default_factory=dict)

    def to_bytes(self, ledger: Path) -> bytes:
        """Return the content of the object that lists the objects of a ledger."""
        content = {"ledger": _digest_of(ledger), "objects": dict(self.objects), "obsolete": dict(self.obsolete)}
        return json.dumps(content, separators=(",", ":")).encode()


def parse_inventory(content: bytes, ledger: Path) -> Inventory:
    """Return what `Inventory.to_bytes` was given; nothing where the content is damaged or of another ledger."""
    try:
        values = json.loads(content)
        if values["ledger"] != _digest_of(ledger):
            return Inventory()
        parts = [{str(name): int(version) for name, version in values[key].items()} for key in ("objects", "obsolete")]
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return Inventory()
    return Inventory(*parts)


def _digest_of(ledger: Path) -> str:
    """Return the SHA-256 of a ledger. Raises StorageFullError and RunError."""
    with translate_private_errors(ledger.parent), open(ledger, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
