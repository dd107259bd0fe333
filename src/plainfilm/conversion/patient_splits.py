# SPDX-License-Identifier: MIT
"""Divide patients into splits. Patients that share an image form a group, and a group lies in one split.

Patients are named by their keyed hashes. The group of a patient is named by the smallest hash of its patients.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from fractions import Fraction

from plainfilm.options.data_set import SplitShares

_DIGITS = 16


class PatientGroups:
    """The groups of patients that share an image, directly or through other patients."""

    def __init__(self, shared: Iterable[Iterable[str]] = ()) -> None:
        self._parents: dict[str, str] = {}
        for patients in shared:
            self.join(patients)

    def join(self, patients: Iterable[str]) -> None:
        """Put these patients into one group."""
        names = {self.group_of(patient) for patient in patients}
        smallest = min(names, default="")
        for name in names - {smallest}:
            self._parents[name] = smallest

    def group_of(self, patient: str) -> str:
        """Return the smallest hash of the patient's group."""
        group = patient
        while (parent := self._parents.get(group, group)) != group:
            group = parent
        while patient != group:
            # the next lookup takes one step
            following = self._parents[patient]
            self._parents[patient] = group
            patient = following
        return group


def split_of_hash(group: str, shares: SplitShares) -> str:
    """Return the split of a group by its name alone: the name, read as a fraction from 0 to 1, falls into a share."""
    position = Fraction(int(group[:_DIGITS], 16), 16 ** len(group[:_DIGITS]))
    end = Fraction()
    for name, share in shares.shares:
        end += share
        if position < end:
            return name
    return shares.shares[-1][0]


def balance_splits(sizes: Mapping[str, int], shares: SplitShares, recorded: Mapping[str, str]) -> dict[str, str]:
    """Return a split for each group so that the shares of images are met to within the largest group.

    sizes: the number of images of each group.
    recorded: the splits that groups have already; they stay.

    Groups go by falling size, then by name, each to the split that lacks most images.
    """
    total = sum(sizes.values())
    missing = {name: share * total for name, share in shares.shares}
    splits = {group: split for group, split in recorded.items() if group in sizes and split in missing}
    for group, split in splits.items():
        missing[split] -= sizes[group]
    for group in sorted(sizes.keys() - splits.keys(), key=lambda group: (-sizes[group], group)):
        split = max(missing, key=lambda name: missing[name])
        splits[group] = split
        missing[split] -= sizes[group]
    return splits
