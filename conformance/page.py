# SPDX-License-Identifier: MIT
"""Verdicts in, the text of docs/conformance.md out; the same verdicts give the same bytes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from conformance.comparison import PEERS, Verdict
from conformance.kinds import KINDS

INTRODUCTION = """# Conformance

Written by `python -m conformance.run`; `tests/conformance/test_page.py` holds the code to the kinds below. Every
picture is of the `viewer` look, 8 bits, the first frame, before square pixels; it is compared with three others:

- **oracle**: `tests/oracle`, which reads the same contract and shares no code with plainfilm. On real films it starts
  from the cells that plainfilm's decoders gave, so it judges the grey levels and not the decoders. It has to agree
  exactly.
- **DCMTK**: `dcmj2pnm` (`dcml2pnm` for JPEG-LS), `-O`, with `+Wi` or `+Wl` for the VOI of the file that plainfilm used.
- **pydicom**: `apply_modality_lut` and `apply_voi_lut` on `pixel_array`, the output range drawn to 0 to 255. It has no
  function that goes by Photometric Interpretation: MONOCHROME1 is inverted by us, so polarity is not judged here.

What is compared is each file of the folder of real films, and a matrix of generated ones: Photometric
Interpretation x Presentation LUT Shape x VOI (none, window, LUT, both, several) x VOI LUT Function x sign x depth x
padding x rescale (none, positive, negative, fraction, Modality LUT), of which a fixed choice is run, with one film each
of some rarer things.
"""
KINDS_HEAD = """
## Kinds of disagreement

A difference of more than one grey level (of any at all from the oracle) is a disagreement. It is put down to a kind
only where the kind's condition holds *and* both pictures agree within one level (or the rounding that the kind names)
once the cause is taken away: the attribute, the option, or the peer's own step. The fewest kinds that do so together
are counted, so a film may count under several. Kinds that cannot be taken away are marked; there the condition alone
decides.
"""
NOT_SHOWN_HEAD = """
## Not shown

What plainfilm refuses is compared with nobody; what a peer refuses is no disagreement, and no agreement either.
"""


def page(verdicts: Iterable[Verdict], versions: Iterable[str]) -> str:
    """The whole page; `versions` name what was compared."""
    every = list(verdicts)
    lines = [INTRODUCTION, f"Versions: {', '.join(versions)}.", "", "## Counts", "", *_counts(every), KINDS_HEAD]
    lines += [*_kinds(every), "", *_unexplained(every), NOT_SHOWN_HEAD, *_not_shown(every)]
    return "\n".join(lines) + "\n"


def _counts(verdicts: list[Verdict]) -> Iterator[str]:
    yield "| what | peer | compared | exactly | within 1 | a known kind | unexplained | not shown |"
    yield "|---|---|---|---|---|---|---|---|"
    for real, what in ((True, "real files"), (False, "generated")):
        for peer in PEERS:
            some = [verdict for verdict in verdicts if verdict.real is real and verdict.peer == peer]
            shown = [verdict.largest for verdict in some if verdict.largest is not None]
            known = sum(bool(verdict.kinds) for verdict in some)
            unexplained = sum(verdict.unexplained for verdict in some)
            near = len(shown) - shown.count(0) - known - unexplained
            cells = (what, peer, len(shown), shown.count(0), near, known, unexplained, len(some) - len(shown))
            yield f"| {' | '.join(map(str, cells))} |"


def _kinds(verdicts: list[Verdict]) -> Iterator[str]:
    by_kind: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        for name in verdict.kinds:
            by_kind[name, verdict.peer].append(verdict)
    yield "| kind | peer | real | generated | largest, alone | the peer | here | right is | example |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for kind in KINDS:
        for peer in kind.peers:
            found = by_kind[kind.name, peer]
            real = sum(verdict.real for verdict in found)
            alone = [verdict.largest for verdict in found if len(verdict.kinds) == 1 and verdict.largest is not None]
            largest = str(max(alone)) if alone else ""
            example = min(found, key=lambda verdict: (len(verdict.kinds), not verdict.real)).subject if found else ""
            name = kind.name if kind.undo is not None else f"{kind.name} (cannot be taken away)"
            cells = (name, peer, real, len(found) - real, largest, kind.theirs, kind.here, kind.right, example)
            yield f"| {' | '.join(map(str, cells))} |"


def _unexplained(verdicts: list[Verdict]) -> Iterator[str]:
    found = [verdict for verdict in verdicts if verdict.unexplained]
    if not found:
        yield "No disagreement is left unexplained."
        return
    yield "Left unexplained:"
    yield ""
    for verdict in found:
        yield f"- {verdict.peer}, {verdict.largest} levels: {verdict.subject}"


def _not_shown(verdicts: list[Verdict]) -> Iterator[str]:
    hidden = [verdict for verdict in verdicts if verdict.largest is None]
    ours = Counter(
        verdict.reason for verdict in hidden if verdict.reason.startswith("plainfilm") and verdict.peer == "oracle"
    )
    yield "| by | reason | real | generated | example |"
    yield "|---|---|---|---|---|"
    for reason, count in sorted(ours.items()):
        example = next(verdict.subject for verdict in hidden if verdict.reason == reason)
        yield f"| plainfilm | {reason.removeprefix('plainfilm: ')} | {count} | 0 | {example} |"
    theirs: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in hidden:
        if not verdict.reason.startswith("plainfilm"):
            theirs[verdict.peer, verdict.reason].append(verdict)
    for (peer, reason), found in sorted(theirs.items()):
        real = sum(verdict.real for verdict in found)
        yield f"| {peer} | {reason} | {real} | {len(found) - real} | {found[0].subject} |"
