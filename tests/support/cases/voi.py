# SPDX-License-Identifier: MIT
"""Choose random rescales, windows and LUTs for a `Spec`, half of them odd."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from tests.support.cases.spec import LutSpec, Spec


def number_in(rng: Random, spec: Spec) -> int:
    """A stored value, more or less."""
    low, high = (-5, 900) if spec.floating else spec.range
    return rng.randint(low, max(low + 1, high))


def rescale(rng: Random) -> tuple[float | str | None, float | str | None]:
    """A slope and an intercept; empty, missing, 0, negative, of non-integer output."""
    slope = rng.choice([1, 1, 2, -1, -1, -0.5, 0.3, 0.001, 0, "", None, 1000])
    return slope, rng.choice([0, 0, -1024, 4095, -0.5, 0.25, "", None, 1e6])


def window(rng: Random, spec: Spec) -> tuple[float, float]:
    """A center and a width: sensible, or degenerate, or narrow."""
    low, high = (-5, 900) if spec.floating else spec.range
    middle, span = (low + high) / 2, high - low
    sensible = [(middle, span), (middle, span / 2 + 1), (middle + 0.5, span + 1), (number_in(rng, spec), span // 3 + 1)]
    odd = [
        (middle, 1),
        (middle, 2),
        (middle, 0),
        (middle, 0.5),
        (middle, -100),
        (-1e6, 10),
        (1e6, 10),
        (middle, 1e9),
        (low, 3),
        (0.5, 1.5),
        (number_in(rng, spec), 0.001),
    ]
    return rng.choice(sensible if rng.random() < 0.55 else odd)


def lut(rng: Random, spec: Spec, explanation: str | None = None) -> LutSpec:
    """A table: of its depth, less or more; of fewer entries; packed; constant; its first input mapped signed."""
    bits = rng.choice([8, 8, 10, 12, 12, 14, 16])
    count = rng.choice([1, 2, 200, 256, 1024, 4096])
    used = rng.choice([bits, bits, bits, max(1, bits - 3), min(16, bits + 2)])
    layout = (
        rng.choice(["words", "us", "packed", "packed_us"]) if bits == 8 and used <= 8 else rng.choice(["words", "us"])
    )
    entries = [round((i / max(1, count - 1)) ** rng.choice([1, 0.5]) * (2**used - 1)) for i in range(count)]
    kind = rng.choice(["rising", "rising", "falling", "constant", "noise", "from_one"])
    if kind == "falling":
        entries.reverse()
    elif kind == "constant":
        entries = [entries[-1] // 2] * count
    elif kind == "noise":
        rng.shuffle(entries)
    elif kind == "from_one":
        entries = [max(1, entry) for entry in entries]
    if layout in ("words", "us") and bits == 8 and rng.random() < 0.2:
        entries = [entry % 256 | (0xFF00 if entry & 128 else 0) for entry in entries]
    declared = rng.choice([None, None, None, count + 40, 0, max(1, count - 1)])
    if bits == 8 and rng.random() < 0.8:  # too few words for what is declared look like packed bytes
        declared = None
    first = rng.choice([0, 0, 0, -100, max(-32768, min(65535, number_in(rng, spec)))])
    return LutSpec(tuple(entries), first, bits, layout, rng.choice(["US", "SS"]), declared, explanation)


def add_rescale(rng: Random, spec: Spec) -> Spec:
    """With a rescale at the top level."""
    slope, intercept = rescale(rng)
    return replace(spec, top=replace(spec.top, slope=slope, intercept=intercept))


def add_modality_lut(rng: Random, spec: Spec) -> Spec:
    """With a Modality LUT at the top level."""
    return replace(spec, top=replace(spec.top, modality_lut=lut(rng, spec)))


def add_windows(rng: Random, spec: Spec) -> Spec:
    """With one to three windows at the top level; unequal counts and odd functions now and then."""
    pairs = [window(rng, spec) for _ in range(rng.choice([1, 1, 1, 2, 3]))]
    centers, widths = tuple(c for c, _ in pairs), tuple(w for _, w in pairs)
    if rng.random() < 0.1:
        widths = (*widths, 100) if rng.random() < 0.5 else widths[:-1]
    function = rng.choice(
        [None, None, None, "LINEAR", "LINEAR_EXACT", "LINEAR_EXACT", "SIGMOID", "SIGMOID", "", "BOGUS"]
    )
    names = ("NORMAL", "HARDER", "SOFTER")[: len(pairs)]
    return replace(
        spec, top=replace(spec.top, centers=centers, widths=widths, voi_function=function, explanations=names)
    )


def add_voi_luts(rng: Random, spec: Spec) -> Spec:
    """With one or two VOI LUTs at the top level."""
    several = [lut(rng, spec, name) for name in ("NORMAL LUT", "HARDER LUT")[: rng.choice([1, 1, 2])]]
    return replace(spec, top=replace(spec.top, voi_luts=tuple(several)))
