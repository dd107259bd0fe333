# SPDX-License-Identifier: MIT
"""Name images readably (`--names tags`): `cr_hand_pa_left_3f2a91c0`, from the header, and never from the patient."""

from __future__ import annotations

import re
from collections.abc import Iterator

from plainfilm.dicom.instance import Instance

DIGITS = 8
"""The digits of the instance's keyed hash in a name."""

# Defined terms have letters only. A date, a number or a sentence in their place may come from the patient.
_TERM = re.compile(r"[a-z][a-z _]{0,15}")
_LATERALITIES = {"l": "left", "r": "right", "b": "both"}


def tag_name(instance: Instance, sop_instance: str) -> str | None:
    """Return the name of the images of an instance, without frame and suffix.

    sop_instance: its keyed hash; without one (''), as an instance without a UID has it, there is no such name: None.
    """
    if not sop_instance:
        return None
    return "_".join((*_terms(instance), sop_instance[:DIGITS]))


def _terms(instance: Instance) -> Iterator[str]:
    description = instance.description
    body_part = description.body_part or next(iter(instance.region_terms), "")
    laterality = description.laterality.strip().lower()
    values = (description.modality, body_part, description.view_position, _LATERALITIES.get(laterality, ""))
    person = set(re.split(r"[^a-z]+", instance.identity.patient_name.lower()))
    for value in values:
        term = value.strip().lower()
        if _TERM.fullmatch(term) and person.isdisjoint(re.split("[ _]", term)):
            yield re.sub("[ _]", "", term)
