# SPDX-License-Identifier: MIT
"""Subjects in, verdicts out: whether each peer shows the same, and if not, which known kinds explain it."""

from __future__ import annotations

import functools
import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.kinds import KINDS, Case, Undoing
from conformance.shown import NotShownError, by_dcmtk, by_oracle, by_plainfilm, by_pydicom, changed
from conformance.subjects import Subject

Array = NDArray[Any]
NOTHING = Undoing()
# a bound that is wider than half the levels proves nothing
MOST_ALLOWED = 128
PEERS = ("oracle", "DCMTK", "pydicom")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one peer says of one subject. `largest`: the largest difference in grey levels, None where it shows nothing.

    `kinds`: names of the fewest known kinds that explain a difference above one level; `reason`: why it shows nothing.
    """

    subject: str
    real: bool
    peer: str
    largest: int | None
    kinds: tuple[str, ...] = ()
    reason: str = ""

    @property
    def unexplained(self) -> bool:
        """Whether it is a disagreement that no known kind explains."""
        return self.largest is not None and self.largest > (0 if self.peer == "oracle" else 1) and not self.kinds


def verdicts(subject: Subject) -> list[Verdict]:
    """What every peer says of a subject."""
    about = functools.partial(Verdict, subject.name, subject.real)
    try:
        case = Case(subject, by_plainfilm(subject))
    except NotShownError as refusal:
        return [about(peer, None, reason=str(refusal)) for peer in PEERS]
    found = []
    for peer in PEERS:
        try:
            theirs = shown_by(peer, case)
            largest = difference(case.ours.image, theirs)
            explained = explanation(peer, case, theirs) if peer != "oracle" and largest > 1 else ()
            found.append(about(peer, largest, explained))
        except NotShownError as refusal:
            found.append(about(peer, None, reason=str(refusal)))
    return found


def shown_by(peer: str, case: Case, undoing: Undoing = NOTHING) -> Array:
    """A peer's picture. Raises NotShownError."""
    if peer == "oracle":
        return by_oracle(case.subject, case.ours).image
    if peer == "DCMTK":
        return by_dcmtk(case.subject, case.ours, *undoing.words)
    return by_pydicom(case.subject, case.ours, undoing.before, undoing.between)


def difference(mine: Array, theirs: Array) -> int:
    """The largest difference in grey levels; 256 where the shapes differ."""
    if mine.ndim == 3 and theirs.ndim == 2:
        theirs = np.repeat(theirs[:, :, None], 3, axis=2)
    if mine.shape != theirs.shape:
        return 256
    return int(np.abs(mine.astype(np.int64) - theirs.astype(np.int64)).max())


def explanation(peer: str, case: Case, theirs: Array) -> tuple[str, ...]:
    """The fewest kinds without which both agree; a kind that cannot be undone only where no others do."""
    applying = [kind for kind in KINDS if peer in kind.peers and kind.applies(case)]
    undone = [kind for kind in applying if kind.undo is not None]
    for count in range(1, len(undone) + 1):
        for some in itertools.combinations(undone, count):
            undoing = functools.reduce(_both, (kind.undo(case) for kind in some if kind.undo is not None))
            if agree_with(undoing, peer, case, theirs):
                return tuple(kind.name for kind in some)
    return tuple(kind.name for kind in applying if kind.undo is None)


def agree_with(undoing: Undoing, peer: str, case: Case, theirs: Array) -> bool:
    """Whether both agree once the causes are taken away on the side where they lie."""
    if undoing.allowed > MOST_ALLOWED:
        return False
    mine = case.ours.image
    if undoing.options or undoing.attributes:
        mine = changed(case.subject, undoing.options or {}, undoing.attributes or {})
    if undoing.words or undoing.before or undoing.between:
        theirs = shown_by(peer, case, undoing)
    return difference(mine, theirs) <= undoing.allowed


def _both(one: Undoing, other: Undoing) -> Undoing:
    return Undoing(
        {**(one.options or {}), **(other.options or {})},
        {**(one.attributes or {}), **(other.attributes or {})},
        one.words + other.words,
        one.before or other.before,
        one.between or other.between,
        one.allowed + other.allowed - 1,
    )
