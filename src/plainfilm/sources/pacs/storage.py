# SPDX-License-Identifier: MIT
"""Choose the presentation contexts in which a PACS sends instances (C-GET, PS3.7 9.1.3, PS3.8 7.1.1.13).

A PACS sends an instance as it stores it only if a context has exactly its SOP Class and its transfer syntax: with
several syntaxes in one context the PACS accepts one of them, and transcodes everything else to it.
"""

from __future__ import annotations

from collections.abc import Iterable

MOST_CLASSES = 6
"""SOP Classes of one association: with all syntaxes below, they fit into its 128 presentation contexts."""

_IMPLICIT_LITTLE, _EXPLICIT_LITTLE = "1.2.840.10008.1.2", "1.2.840.10008.1.2.1"
_JPEG = "1.2.840.10008.1.2.4"

SYNTAXES = (
    _EXPLICIT_LITTLE,
    _IMPLICIT_LITTLE,
    "1.2.840.10008.1.2.1.99",
    "1.2.840.10008.1.2.2",
    "1.2.840.10008.1.2.5",
    "1.2.840.10008.1.2.8.1",
    *(f"{_JPEG}.{number}" for number in (50, 51, 57, 70, 80, 81, 90, 91, 201, 202, 203, 110, 111, 112)),
)
"""The transfer syntaxes that can be stored."""

_STORAGE = "1.2.840.10008.5.1.4.1.1"
_CLASSES = {
    "CR": ("1", "1.1", "1.1.1"),
    "DX": ("1.1", "1.1.1", "1"),
    "MG": ("1.2", "1.2.1"),
    "IO": ("1.3", "1.3.1"),
    "PX": ("1.1", "1.3"),
    "RG": ("1", "1.1", "7"),
    "RF": ("12.2", "12.2.1"),
    "XA": ("12.1", "12.1.1"),
    "OT": ("7", "7.1", "7.2", "7.3", "7.4"),
    "SC": ("7", "7.1", "7.2", "7.3", "7.4"),
    "CT": ("2", "2.1"),
    "MR": ("4", "4.1"),
    "US": ("6.1", "3.1"),
    "NM": ("20",),
    "PT": ("128",),
    "XC": ("77.1.4", "77.1.4.1"),
}


def groups_of(sop_classes: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Return for each SOP Class the group with which it shares an association, from those of all instances."""
    ordered = sorted(set(sop_classes))
    groups = (tuple(ordered[start : start + MOST_CLASSES]) for start in range(0, len(ordered), MOST_CLASSES))
    return {sop_class: group for group in groups for sop_class in group}


def likely_groups(modality: str) -> tuple[tuple[str, ...], ...]:
    """Return groups of SOP Classes to try one after the other where the PACS does not say which class it has."""
    first = _CLASSES.get(modality, ())
    others = dict.fromkeys(suffix for suffixes in _CLASSES.values() for suffix in suffixes if suffix not in first)
    suffixes = [*first, *others]
    return tuple(
        tuple(f"{_STORAGE}.{suffix}" for suffix in suffixes[start : start + MOST_CLASSES])
        for start in range(0, len(suffixes), MOST_CLASSES)
    )
