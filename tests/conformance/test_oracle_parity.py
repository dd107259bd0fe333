# SPDX-License-Identifier: MIT
"""Compare plainfilm with an oracle that shares no code with it, exactly, over random cases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tests.support.cases.build import Case, random_case, to_bytes
from tests.support.oracle import notes as oracle_notes
from tests.support.oracle import oracle

from plainfilm.errors import ConversionError
from plainfilm.findings import FindingCode
from plainfilm.options.options import Options
from plainfilm.rendering.frame import PlannedFrame
from plainfilm.rendering.grayscale.plan import GrayscalePlan
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import open_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame

pytestmark = pytest.mark.slow

SEED = 20_260_101
CASES = 1_500
BATCH = 100

# Where the contract can be read in two ways and the product takes the other one; docs/decisions says why.
DELIBERATE = {"recipe_float", "codestream_shift", "padding_sign"}
# The findings that the contract itself names and this oracle gives.
NAMED = {
    "assumed_bits_stored",
    "assumed_high_bit",
    "assumed_photometric_interpretation",
    "assumed_pixel_representation",
    "assumed_samples_per_pixel",
    "bits_above_stored",
    "bits_stored_widened",
    "codestream_disagrees",
    "padding_implausible",
    "polarity_conflict",
    "recipe_ignores",
}


def options_of(case: Case) -> tuple[Options, int]:
    given = dict(case.options)
    given.pop("codestream", None)
    frame = int(given.pop("frame", 1))
    stretch = given.pop("stretch", None)
    if given.get("look") == "stretch" and stretch is not None:
        low, high, every = stretch
        given["stretch"] = f"{low},{high}{',all' if every else ''}"
    if given.get("look") != "window":
        given.pop("window", None)
    return Options.of(given), frame - 1


def planned(case: Case) -> PlannedFrame:
    options, frame = options_of(case)
    return plan_frame(survey_instance(open_instance(to_bytes(case.dataset), options), [frame]), frame)


def difference(case: Case) -> str | None:
    """What the two disagree about in a case, or None."""
    try:
        expected = oracle.render(case.dataset, case.stored_raw, **case.options)
    except oracle.OracleError as refusal:
        with pytest.raises(ConversionError) as caught:
            render_frame(planned(case))
        return None if caught.value.reason == refusal.reason else f"{caught.value.reason}, not {refusal.reason}"
    mine = planned(case)
    image = render_frame(mine).image
    own_choice = _own_choice(mine, str(case.options.get("voi", "auto")))
    if own_choice is not None:
        # the oracle renders the VOI that the file has instead; the image is then one that was repaired
        options = case.options | {"voi": own_choice}
        expected = replace(oracle.render(case.dataset, case.stored_raw, **options), status="repaired")
    if expected.readings & DELIBERATE:
        return None
    if image.shape == expected.image.shape and not np.array_equal(image, expected.image):
        return f"{np.count_nonzero(image != expected.image)} pixels differ; {sorted(expected.readings)}"
    return next((text for text in _facts(mine, expected) if text), None)


def _own_choice(mine: PlannedFrame, voi: str) -> str | None:
    """The VOI that is used in place of one that the file lacks; None for a VOI that it has."""
    codes = {finding.code for finding in mine.findings}
    if FindingCode.VOI_NOT_FOUND in codes:
        return "auto"
    return f"{voi.partition(':')[0]}:0" if FindingCode.VOI_INDEX_MISSING in codes else None


def _facts(mine: PlannedFrame, expected: oracle.Result) -> Iterator[str]:
    """What the tables say of it, where the contract can be read in one way."""
    plan = mine.plan
    assert isinstance(plan, GrayscalePlan)
    facts = {
        "status": (plan.status.value, expected.status),
        "voi": (plan.voi, expected.voi),
        "inverted": (plan.inverted, expected.inverted),
        "bits_stored": (plan.bits_stored, expected.bits_stored),
    }
    if not expected.readings & set(oracle_notes.TABLE_READINGS):
        facts["line"] = (plan.line or (None, None), (expected.low, expected.high))
        if plan.has_masks:
            facts["padding_fraction"] = (mine.pixels.padding_fraction, expected.padding_fraction)
    if not expected.readings & set(oracle_notes.FINDING_READINGS):
        found = {finding.code.value for finding in mine.findings}
        facts["findings"] = (found & NAMED, expected.findings & NAMED)
    for name, (ours, theirs) in facts.items():
        if ours != theirs:
            yield f"{name}: {ours!r}, not {theirs!r}"


@pytest.mark.parametrize("first", range(0, CASES, BATCH))
def test_random_cases_equal_the_oracle(first: int) -> None:
    faults = []
    for index in range(first, first + BATCH):
        case = random_case(SEED, index)
        fault = difference(case)
        if fault is not None:
            faults.append(f"{case.name}: {fault} ({case.options})")
    assert not faults, "\n".join(faults[:20])
