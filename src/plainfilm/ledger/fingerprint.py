# SPDX-License-Identifier: MIT
"""Compare the options, versions and key of a run with those that an OUT was made with."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from pathlib import Path

from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.schema import SCHEMA
from plainfilm.pickling import dataclass

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class RunFingerprint:
    """Everything that the images and tables of a run depend on: a run resumes an OUT only if it is equal.

    options: the options that change images, names or tables.
    versions: the versions of plainfilm and of the libraries that make images.
    key_fingerprint: the fingerprint of the key of the keyed hashes.
    limits: the limits of time and memory. They may differ; what failed at a limit that has changed is tried again.
    recorded: all options that run.json records. They may differ; those of the newest run decide how tables are written.
    """

    options: Mapping[str, object]
    versions: Mapping[str, str]
    key_fingerprint: str
    limits: Mapping[str, object]
    recorded: Mapping[str, object] = field(default_factory=dict)

    @classmethod
    def from_json(cls, text: str) -> RunFingerprint:
        """Read what `to_json` wrote. Raises ValueError, TypeError or KeyError for any other text."""
        content = json.loads(text)
        values = tuple(content[name] for name in ("options", "versions", "key_fingerprint", "limits", "recorded"))
        if tuple(map(type, values)) != (dict, dict, str, dict, dict):
            raise TypeError("a part of the fingerprint has a wrong type")
        return cls(*values)

    def to_json(self) -> str:
        """Return the text that the ledger stores."""
        content = {
            "options": dict(self.options),
            "versions": dict(self.versions),
            "key_fingerprint": self.key_fingerprint,
            "limits": dict(self.limits),
            "recorded": dict(self.recorded),
        }
        return json.dumps(content, sort_keys=True)

    def differences(self, stored: RunFingerprint) -> list[str]:
        """Return one line for each difference from the stored fingerprint; empty if the run may resume."""
        lines = [
            *_differences(self.options, stored.options, lambda name: f"--{name.replace('_', '-')}"),
            *_differences(self.versions, stored.versions, str),
        ]
        if self.key_fingerprint != stored.key_fingerprint:
            fingerprints = f"{stored.key_fingerprint} there, {self.key_fingerprint} now (fingerprints)"
            lines.append(f"the key: {fingerprints}; give the earlier key with --key-file")
        return lines

    def changed_limits(self, stored: RunFingerprint) -> list[str]:
        """Return the names of the limits that differ from the stored ones."""
        return sorted(name for name in self.limits if self.limits[name] != stored.limits.get(name, _ABSENT))


def check_fingerprint(path: Path, meta: Mapping[str, str], fingerprint: RunFingerprint) -> RunFingerprint:
    """Return the fingerprint that the ledger stores.

    meta: the rows of the ledger's table of that name.

    Raises LedgerError, with the differences, where a run with this fingerprint must not resume.
    """
    if meta.get("schema") != SCHEMA:
        raise _refusal(path, [f"its layout: {_version(meta)} there, {SCHEMA} now"])
    stored = stored_fingerprint(path, meta)
    if differences := fingerprint.differences(stored):
        raise _refusal(path, differences)
    return stored


def stored_fingerprint(path: Path, meta: Mapping[str, str]) -> RunFingerprint:
    """Return the fingerprint in the rows of the ledger's table `meta`. Raises LedgerError where there is none."""
    try:
        return RunFingerprint.from_json(meta["identity"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refusal(path, ["it does not say what it was written with"]) from error


def _differences(
    current: Mapping[str, object], stored: Mapping[str, object], label_of: Callable[[str], str]
) -> Iterator[str]:
    for name in sorted({*current, *stored}):
        if current.get(name, _ABSENT) != stored.get(name, _ABSENT):
            yield f"{label_of(name)}: {_value(stored, name)} there, {_value(current, name)} now"


def _value(values: Mapping[str, object], name: str) -> str:
    value = values.get(name, _ABSENT)
    if value is _ABSENT:
        return "not known"
    if value is None:
        return "none"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _version(meta: Mapping[str, str]) -> str:
    version = meta.get("schema", "")
    return version if version.isalnum() and len(version) < 8 else "not known"


def _refusal(path: Path, differences: Iterable[str]) -> LedgerError:
    lines = "".join(f"\n  {line}" for line in differences)
    message = (
        f"{path.parent} was made in another way:{lines}\n"
        "run it as it was made, choose another OUT, or give --overwrite to do everything again"
    )
    return LedgerError(message, reason=Reason.LEDGER_DIFFERS)
