# SPDX-License-Identifier: MIT
"""Write the text of docs/conformance.md from verdicts; the same verdicts give the same text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from conformance.comparison import PEERS, Verdict
from conformance.kinds import KINDS, DisagreementKind

INTRODUCTION = """# Conformance

This page is written by `python -m conformance.run`; `tests/conformance/test_page.py` checks that it has every known
kind of disagreement. All images have the `viewer` look, 8 bits, and pixels as stored, and show the first frame. The
image of plainfilm is compared with three others:

- **oracle**: `tests/support/oracle`, which implements the same specification and shares no code with plainfilm. For
  real files it uses the samples of the decoders of plainfilm, so that it tests the grey levels and not the decoders.
  It must agree exactly.
- **DCMTK**: `dcmj2pnm` (`dcml2pnm` for JPEG-LS), `-O`, with `+Wi` or `+Wl` for the VOI of the file that plainfilm uses.
- **pydicom**: `apply_modality_lut` and `apply_voi_lut` on `pixel_array`, with the output range scaled to 0 to 255.
  pydicom has no function for Photometric Interpretation: the comparison inverts MONOCHROME1 itself and does not test
  the polarity.

The subjects are the files of the folder of real files, and a matrix of generated images: Photometric Interpretation x
Presentation LUT Shape x VOI (none, window, LUT, both, several) x VOI LUT Function x sign x depth x padding x rescale
(none, positive, negative, fraction, Modality LUT). A fixed sample of the matrix is compared, with one image for each of
some rare features. [conformance-cornerstone.md](conformance-cornerstone.md) compares with cornerstone3D in a browser.
"""
KINDS_HEAD = """
## Kinds of disagreement

Two images disagree if they differ by more than one grey level (from the oracle: by any level). A disagreement is
counted under a kind only if the condition of the kind holds *and* both images agree, within one level or the tolerance
of the kind, after an adjustment removes the cause: an attribute, an option, or a step of the peer. The smallest set of
kinds that explains the difference is counted, so an image can count under several kinds. For kinds marked "no
adjustment" the condition alone decides.
"""
NOT_SHOWN_HEAD = """
## Not shown

Images that plainfilm rejects are not compared. Images that a peer rejects count neither as agreement nor as
disagreement.
"""


def page(verdicts: Iterable[Verdict], versions: Iterable[str]) -> str:
    """Return the text of the page. versions: names and versions of the compared programs."""
    all_verdicts = list(verdicts)
    lines = [INTRODUCTION, f"Versions: {', '.join(versions)}.", "", "## Counts", "", *_counts(all_verdicts), KINDS_HEAD]
    lines += [*_kinds(all_verdicts), "", *_unexplained(all_verdicts), NOT_SHOWN_HEAD, *_not_shown(all_verdicts)]
    return "\n".join(lines) + "\n"


def _counts(verdicts: list[Verdict]) -> Iterator[str]:
    yield "| what | peer | compared | exactly | within 1 | a known kind | unexplained | not shown |"
    yield "|---|---|---|---|---|---|---|---|"
    for real, title in ((True, "real files"), (False, "generated")):
        for peer in PEERS:
            peer_verdicts = [verdict for verdict in verdicts if verdict.real is real and verdict.peer == peer]
            shown = [verdict.largest for verdict in peer_verdicts if verdict.largest is not None]
            explained = sum(bool(verdict.kinds) for verdict in peer_verdicts)
            unexplained = sum(verdict.unexplained for verdict in peer_verdicts)
            within_one = len(shown) - shown.count(0) - explained - unexplained
            agreement = (len(shown), shown.count(0), within_one)
            cells = (title, peer, *agreement, explained, unexplained, len(peer_verdicts) - len(shown))
            yield f"| {' | '.join(map(str, cells))} |"


def _kinds(verdicts: list[Verdict]) -> Iterator[str]:
    by_kind: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in verdicts:
        for name in verdict.kinds:
            by_kind[name, verdict.peer].append(verdict)
    yield "| kind | peer | real | generated | largest, alone | the peer | plainfilm | who is right | example |"
    yield "|---|---|---|---|---|---|---|---|---|"
    for kind in KINDS:
        for peer in kind.peers:
            yield f"| {' | '.join(map(str, _kind_row(kind, peer, by_kind[kind.name, peer])))} |"


def _kind_row(kind: DisagreementKind, peer: str, verdicts: list[Verdict]) -> tuple[object, ...]:
    """Return the cells of a kind and a peer; the example is the simplest verdict, of a real file if there is one."""
    real = sum(verdict.real for verdict in verdicts)
    alone = [verdict.largest for verdict in verdicts if len(verdict.kinds) == 1 and verdict.largest is not None]
    counts = (real, len(verdicts) - real, max(alone, default=""))
    texts = (kind.peer_behavior, kind.own_behavior, kind.assessment)
    example = min(verdicts, key=lambda verdict: (len(verdict.kinds), not verdict.real)).subject if verdicts else ""
    name = kind.name if kind.adjustment is not None else f"{kind.name} (no adjustment)"
    return (name, peer, *counts, *texts, example)


def _unexplained(verdicts: list[Verdict]) -> Iterator[str]:
    unexplained = [verdict for verdict in verdicts if verdict.unexplained]
    if not unexplained:
        yield "No disagreement is left unexplained."
        return
    yield "Left unexplained:"
    yield ""
    for verdict in unexplained:
        yield f"- {verdict.peer}, {verdict.largest} levels: {verdict.subject}"


def _not_shown(verdicts: list[Verdict]) -> Iterator[str]:
    not_shown = [verdict for verdict in verdicts if verdict.largest is None]
    own_reasons = Counter(
        verdict.reason for verdict in not_shown if verdict.reason.startswith("plainfilm") and verdict.peer == "oracle"
    )
    yield "| by | reason | real | generated | example |"
    yield "|---|---|---|---|---|"
    for reason, count in sorted(own_reasons.items()):
        example = next(verdict.subject for verdict in not_shown if verdict.reason == reason)
        yield f"| plainfilm | {reason.removeprefix('plainfilm: ')} | {count} | 0 | {example} |"
    by_reason: dict[tuple[str, str], list[Verdict]] = defaultdict(list)
    for verdict in not_shown:
        if not verdict.reason.startswith("plainfilm"):
            by_reason[verdict.peer, verdict.reason].append(verdict)
    for (peer, reason), rejections in sorted(by_reason.items()):
        real = sum(verdict.real for verdict in rejections)
        yield f"| {peer} | {reason} | {real} | {len(rejections) - real} | {rejections[0].subject} |"
