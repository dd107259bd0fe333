# SPDX-License-Identifier: MIT
"""Build random cases from a seed: headers and options, with many oddities."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from pydicom.dataset import Dataset
from tests.support.cases.dataset import build
from tests.support.cases.pixels import CONTENTS, Array
from tests.support.cases.spec import XRAY_ANGIOGRAPHY, GroupSpec, ShutterSpec, Spec
from tests.support.cases.voi import add_modality_lut, add_rescale, add_voi_luts, add_windows, number_in, window


@dataclass(frozen=True, slots=True)
class Case:
    """One case: what it was built from, the image, and the options of its rendering (keywords of `render`)."""

    name: str
    spec: Spec
    dataset: Dataset
    stored_raw: Array
    options: dict[str, Any] = field(default_factory=dict)


def random_cases(seed: int, n: int) -> Iterator[Case]:
    """n cases; each depends on the seed and its own number alone."""
    return (random_case(seed, number) for number in range(n))


def random_case(seed: int, number: int) -> Case:
    """One case of a seed."""
    rng = Random(f"{seed}:{number}")
    spec = _depth(rng)
    for change, chance in CHANGES:
        if rng.random() < chance:
            spec = change(rng, spec)
    options = _options(rng, spec)
    return Case(f"{seed}:{number}", spec, *build(spec), options)


def _depth(rng: Random) -> Spec:
    """Bits allocated and stored, sign, content; no VOI yet."""
    allocated, stored = rng.choice(
        [(8, 8)] * 3
        + [(16, 12)] * 4
        + [(16, 10), (16, 14), (16, 14), (16, 15), (16, 16), (16, 16), (16, 8), (16, 9), (8, 6), (8, 7), (1, 1)]
        + [(32, 32), (32, 24), (32, 12), (64, 64), (64, 40)]
    )
    spec = Spec(
        bits_allocated=allocated,
        bits_stored=stored,
        pixel_representation=0 if allocated == 1 else int(rng.random() < 0.3),
        content=rng.choice([*CONTENTS, "film", "film", "film", "border", "noise"]),
        seed=rng.randrange(10**6),
    )
    low, high = spec.range
    ends = [None, (low, high), (low + (high - low) // 3, low + (high - low) // 2)]
    return replace(spec, ends=rng.choice(ends), photometric=rng.choice(["MONOCHROME1", "MONOCHROME2"]))


def _floating(rng: Random, spec: Spec) -> Spec:
    bits = rng.choice([32, 64])
    ends = rng.choice([None, (0.0, 1.0), (-1e5, 1e5), (0.0, 1e-3)])
    return replace(
        spec, floating=bits, bits_allocated=bits, bits_stored=None, ends=ends, not_finite=rng.choice([0, 0, 3, 40])
    )


def _frames(rng: Random, spec: Spec) -> Spec:
    return replace(spec, frames=rng.choice([2, 3, 5, 33, 70]), rows=32, columns=34)


def _high_bit(rng: Random, spec: Spec) -> Spec:
    return replace(spec, high_bit=rng.choice([spec.bits_allocated - 1, spec.bits, 0, spec.bits_allocated, 255]))


def _above(rng: Random, spec: Spec) -> Spec:
    return replace(spec, above=rng.choice(["some", "some", "all", "zero"]))


def _largest(rng: Random, spec: Spec) -> Spec:
    """Largest Image Pixel Value above the range; values within it, or beyond it."""
    if spec.bits >= min(16, spec.bits_allocated):
        return replace(spec, largest=min(65535, max(0, spec.range[1])))
    top = spec.range[1] + 1 + rng.randrange(2 * spec.range[1])
    top = min(top, 65535 if not spec.pixel_representation else 32767)
    overlays = (spec.bits_allocated - 1,) if rng.random() < 0.3 else ()
    ends = (spec.range[0] * rng.choice([0, 1, 1]), top + rng.choice([0, 0, 0, 1]))
    return replace(spec, largest=top, ends=ends, above="none", high_bit=-1, overlay_positions=overlays)


def _codestream(rng: Random, spec: Spec) -> Spec:
    """JPEG 2000 or JPEG Lossless, of the header's precision or not, of its sign or not."""
    if spec.floating or spec.bits_allocated not in (8, 16) or spec.bits < 7:
        return spec
    precision = max(2, min(spec.bits_allocated, spec.bits + rng.choice([0, 0, 0, 1, 2, 4, -1])))
    signed = bool(spec.pixel_representation)
    says = rng.choice([None, signed, signed, not signed])
    half = 2 ** (precision - 1)
    low, high = (-half, half - 1) if signed or says else (0, 2 * half - 1)
    if rng.random() < 0.6:
        low, high = max(low, spec.range[0]), min(high, spec.range[1])
    ends = (low + (high - low) // 20, high)
    high_bit = rng.choice([-1, -1, -1, spec.bits_allocated - 1])
    if precision <= 8 < spec.bits_allocated:
        return spec
    return replace(spec, codestream=(precision, says), ends=ends, above="none", high_bit=high_bit, overlay_positions=())


def _missing(rng: Random, spec: Spec) -> Spec:
    if spec.floating or spec.codestream:
        return replace(spec, samples=None)
    which = rng.choice(["photometric", "samples", "high_bit", "pixel_representation", "bits_stored"])
    if which == "bits_stored":
        return replace(spec, bits_stored=None, high_bit=None, above="none", largest=None, ends=None)
    if which == "pixel_representation":
        return replace(spec, pixel_representation=None, ends=None)
    left_out: dict[str, Any] = {which: None}
    return replace(spec, **left_out)


def _shape(rng: Random, spec: Spec) -> Spec:
    return replace(spec, presentation_lut_shape=rng.choice(["IDENTITY", "INVERSE"]))


def _padding(rng: Random, spec: Spec) -> Spec:
    """The lowest value of the content (often most of it), or any; a range now and then, a wrong VR now and then."""
    low = spec.ends[0] if spec.ends else number_in(rng, spec)
    value = rng.choice([low, low, number_in(rng, spec), -2000, 65535])
    limit = rng.choice([None, None, value + 3, value + (spec.range[1] // 5), number_in(rng, spec)])
    wrong = None if spec.floating else rng.choice([None, None, "US", "SS"])
    return replace(spec, padding=value, padding_limit=limit, padding_vr=wrong)


def _shutter(rng: Random, spec: Spec) -> Spec:
    known = ["RECTANGULAR", "CIRCULAR", "POLYGONAL"]
    shapes = tuple(rng.sample(known, rng.choice([1, 1, 2, 3])))
    rows, columns = spec.rows, spec.columns
    edges = (
        rng.randint(-1, columns // 3),
        rng.randint(columns // 2, columns + 3),
        rng.randint(0, 6),
        rng.randint(9, rows + 1),
    )
    circle = (rows // 2 + rng.randint(-2, 2), columns // 2, rng.randint(5, columns))
    vertices = (1, 3, 2, columns - 2, rows - 1, columns, rows // 2, columns // 2, rows, 1)
    level = rng.choice([None, 0, 1, 128, 32767, 65535])
    return replace(spec, shutter=ShutterSpec(shapes, edges, circle, vertices, level))


def _angiography(_: Random, spec: Spec) -> Spec:
    return replace(spec, sop_class=XRAY_ANGIOGRAPHY)


def _overlay(_: Random, spec: Spec) -> Spec:
    return replace(spec, overlay_positions=(spec.bits_allocated - 1,), above="some")


def _excess(_: Random, spec: Spec) -> Spec:
    return replace(spec, excess=10)


def _groups(rng: Random, spec: Spec) -> Spec:
    """The top level's attributes again, other ones, in functional groups."""
    spec = _frames(rng, spec) if spec.frames == 1 else spec

    def group() -> GroupSpec:
        made = spec
        for change in (add_rescale, add_windows, add_voi_luts):
            made = replace(made, top=GroupSpec() if change is add_rescale else made.top)
            made = change(rng, made) if rng.random() < 0.5 else made
        return made.top

    shared = group() if rng.random() < 0.5 else None
    per_frame = tuple(group() for _ in range(spec.frames)) if rng.random() < 0.6 else ()
    return replace(spec, shared=shared, per_frame=per_frame)


CHANGES: list[tuple[Callable[[Random, Spec], Spec], float]] = [
    (_floating, 0.06),
    (_frames, 0.08),
    (_high_bit, 0.1),
    (_above, 0.12),
    (_overlay, 0.04),
    (_largest, 0.1),
    (_codestream, 0.12),
    (_missing, 0.1),
    (_shape, 0.3),
    (_padding, 0.3),
    (_shutter, 0.15),
    (_angiography, 0.06),
    (_excess, 0.03),
    (add_rescale, 0.35),
    (add_modality_lut, 0.08),
    (add_windows, 0.6),
    (add_voi_luts, 0.25),
    (_groups, 0.06),
]


def _options(rng: Random, spec: Spec) -> dict[str, Any]:
    """Keywords of `render`."""
    looks = ["viewer"] * 6 + ["stretch", "minmax", "stored", "window"]
    options: dict[str, Any] = {"look": rng.choice(looks), "bits": rng.choice([8, 8, 16])}
    options["frame"] = rng.randint(1, spec.frames)
    options["codestream"] = spec.codestream
    if options["look"] == "window":
        center, width = window(rng, spec)
        options["window"] = (center, max(1, width), rng.choice(["linear", "linear-exact", "sigmoid"]))
    if options["look"] == "stretch" and rng.random() < 0.5:
        options["stretch"] = rng.choice([(0.1, 99.9, True), (1.0, 99.0, False), (0.0, 100.0, True), (5.0, 50.0, False)])
    if rng.random() < 0.15:
        texts = ["none", "lut", "window", "lut:1", "window:1", "window:7", "NORMAL", "HARDER", "NORMAL LUT", "MISSING"]
        options["voi"] = rng.choice(texts)
    if rng.random() < 0.1:
        options["polarity"] = rng.choice(["monochrome1", "monochrome2"])
    return options
