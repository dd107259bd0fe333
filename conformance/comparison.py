# SPDX-License-Identifier: MIT
"""Compare the image of plainfilm with the images of its peers, and find the known kinds that explain a difference."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from conformance.kinds import KINDS, Adjustment, Case, DisagreementKind
from conformance.renderers import (
    NotShownError,
    render_changed,
    render_with_dcmtk,
    render_with_oracle,
    render_with_plainfilm,
    render_with_pydicom,
)
from conformance.subjects import Subject
from plainfilm.errors import ConversionError

Array = NDArray[Any]
NO_ADJUSTMENT = Adjustment()
# a tolerance of more than half of the grey levels proves nothing
MAX_TOLERANCE = 128
PEERS = ("oracle", "DCMTK", "pydicom")


@dataclass(frozen=True, slots=True)
class Verdict:
    """The comparison of one subject with one peer.

    largest: the largest difference in grey levels; None where plainfilm or the peer shows no image. kinds: names of the
    fewest known kinds that explain a difference of more than one level. reason: why no image is shown.
    """

    subject: str
    real: bool
    peer: str
    largest: int | None
    kinds: tuple[str, ...] = ()
    reason: str = ""

    @property
    def unexplained(self) -> bool:
        """Whether the images disagree and no known kind explains the difference."""
        return self.largest is not None and self.largest > (0 if self.peer == "oracle" else 1) and not self.kinds


def verdicts(subject: Subject) -> list[Verdict]:
    """Compare a subject with every peer."""
    try:
        case = Case(subject, render_with_plainfilm(subject))
    except NotShownError as error:
        return [Verdict(subject.name, subject.real, peer, None, reason=str(error)) for peer in PEERS]
    return [_verdict(peer, case) for peer in PEERS]


def _verdict(peer: str, case: Case) -> Verdict:
    subject = case.subject
    try:
        peer_image = render_with_peer(peer, case)
        largest = largest_difference(case.own.image, peer_image)
        kinds = explaining_kinds(peer, case, peer_image) if peer != "oracle" and largest > 1 else ()
    except NotShownError as error:
        return Verdict(subject.name, subject.real, peer, None, reason=str(error))
    return Verdict(subject.name, subject.real, peer, largest, kinds)


def render_with_peer(peer: str, case: Case, adjustment: Adjustment = NO_ADJUSTMENT) -> Array:
    """Return the image of a peer. Raises NotShownError."""
    if peer == "oracle":
        return render_with_oracle(case.subject, case.own).image
    if peer == "DCMTK":
        return render_with_dcmtk(case.subject, case.own, *adjustment.peer_options)
    return render_with_pydicom(case.subject, case.own, adjustment.change_stored, adjustment.change_output)


def largest_difference(own_image: Array, peer_image: Array) -> int:
    """Return the largest difference in grey levels; 256 where the shapes differ."""
    if own_image.ndim == 3 and peer_image.ndim == 2:
        peer_image = np.repeat(peer_image[:, :, None], 3, axis=2)
    if own_image.shape != peer_image.shape:
        return 256
    return int(np.abs(own_image.astype(np.int64) - peer_image.astype(np.int64)).max())


def explaining_kinds(peer: str, case: Case, peer_image: Array) -> tuple[str, ...]:
    """Return the fewest kinds after whose adjustment the images agree.

    A kind without an adjustment is returned only where no other kinds explain the difference.
    """
    return explain_difference(KINDS, peer, case, peer_image)


def explain_difference(
    kinds_of_peers: Sequence[DisagreementKind], peer: str, case: Case, peer_image: Array
) -> tuple[str, ...]:
    """Return the fewest of these kinds after whose adjustment the images agree; see `explaining_kinds`."""
    applicable = [kind for kind in kinds_of_peers if peer in kind.peers and kind.applies(case)]
    adjustable = [kind for kind in applicable if kind.adjustment is not None]
    for count in range(1, len(adjustable) + 1):
        for kinds in itertools.combinations(adjustable, count):
            adjustments = (kind.adjustment(case) for kind in kinds if kind.adjustment is not None)
            if is_explained_by(functools.reduce(_combined, adjustments), peer, case, peer_image):
                return tuple(kind.name for kind in kinds)
    return tuple(kind.name for kind in applicable if kind.adjustment is None)


def is_explained_by(adjustment: Adjustment, peer: str, case: Case, peer_image: Array) -> bool:
    """Whether the images agree after the adjustment of plainfilm, of the subject or of the peer."""
    if adjustment.tolerance > MAX_TOLERANCE:
        return False
    own_image = case.own.image
    if adjustment.options or adjustment.attributes:
        try:
            own_image = render_changed(case.subject, adjustment.options or {}, adjustment.attributes or {})
        except ConversionError:
            # pydicom, which applies the adjustment, cannot read the subject
            return False
    if adjustment.peer_options or adjustment.change_stored or adjustment.change_output:
        peer_image = render_with_peer(peer, case, adjustment)
    return largest_difference(own_image, peer_image) <= adjustment.tolerance


def _combined(first: Adjustment, second: Adjustment) -> Adjustment:
    return Adjustment(
        options={**(first.options or {}), **(second.options or {})},
        attributes={**(first.attributes or {}), **(second.attributes or {})},
        peer_options=first.peer_options + second.peer_options,
        change_stored=first.change_stored or second.change_stored,
        change_output=first.change_output or second.change_output,
        tolerance=first.tolerance + second.tolerance - 1,
    )
