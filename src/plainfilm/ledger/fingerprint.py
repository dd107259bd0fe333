# SPDX-License-Identifier: MIT
"""What every picture of an OUT depends on -> whether a run may go on with what another has begun."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from plainfilm.errors import LedgerError, Reason
from plainfilm.ledger.database import SCHEMA

_ABSENT = object()


@dataclass(frozen=True, slots=True)
class RunFingerprint:
    """Options that change what comes out, versions of what makes it, and the key's fingerprint.

    limits: options beyond which an instance fails for want of time or memory; a run may change them, and what failed by
    one that has changed is then tried again.
    """

    options: Mapping[str, object]
    versions: Mapping[str, str]
    key_fingerprint: str
    limits: Mapping[str, object]

    @classmethod
    def of_json(cls, text: str) -> RunFingerprint:
        """The identity that `to_json` wrote. Raises ValueError, TypeError or KeyError for anything else."""
        content = json.loads(text)
        return cls(content["options"], content["versions"], content["key_fingerprint"], content["limits"])

    def to_json(self) -> str:
        """Text for the ledger."""
        content = {
            "options": dict(self.options),
            "versions": dict(self.versions),
            "key_fingerprint": self.key_fingerprint,
            "limits": dict(self.limits),
        }
        return json.dumps(content, sort_keys=True)

    def differences(self, other: RunFingerprint) -> list[str]:
        """What another run's identity has otherwise, a line each; empty where this run may go on with its work."""
        lines = [
            *_differences(self.options, other.options, lambda name: f"--{name.replace('_', '-')}"),
            *_differences(self.versions, other.versions, str),
        ]
        if self.key_fingerprint != other.key_fingerprint:
            lines.append(f"the key: {other.key_fingerprint} there, {self.key_fingerprint} now (fingerprints)")
        return lines

    def changed_limits(self, other: RunFingerprint) -> list[str]:
        """The names of the limits that differ."""
        return sorted(name for name in self.limits if self.limits[name] != other.limits.get(name, _ABSENT))


def identity_within(path: Path, meta: dict[str, str], identity: RunFingerprint) -> RunFingerprint:
    """The identity of the runs before. Raises LedgerError where a run of this one may not go on with their work."""
    if meta.get("schema") != SCHEMA:
        raise _different(path, [f"its layout: {meta.get('schema')} there, {SCHEMA} now"])
    try:
        known = RunFingerprint.of_json(meta["identity"])
    except (ValueError, TypeError, KeyError) as error:
        raise _different(path, ["it does not say what it was written with"]) from error
    if differences := identity.differences(known):
        raise _different(path, differences)
    return known


def _differences(ours: Mapping[str, object], theirs: Mapping[str, object], shown: object) -> Iterator[str]:
    assert callable(shown)
    for name in sorted({*ours, *theirs}):
        if ours.get(name, _ABSENT) != theirs.get(name, _ABSENT):
            yield f"{shown(name)}: {_value(theirs, name)} there, {_value(ours, name)} now"


def _value(values: Mapping[str, object], name: str) -> str:
    value = values.get(name, _ABSENT)
    if value is _ABSENT:
        return "not known"
    return "none" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _different(path: Path, differences: Iterable[str]) -> LedgerError:
    lines = "".join(f"\n  {line}" for line in differences)
    message = (
        f"{path.parent.parent} was made in another way:{lines}\n"
        "run it as it was made, choose another OUT, or give --overwrite to do everything again"
    )
    return LedgerError(message, reason=Reason.LEDGER_DIFFERS)
