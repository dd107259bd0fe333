# SPDX-License-Identifier: MIT
"""In which split each group of patients lies."""

from __future__ import annotations

import hashlib
import itertools
import random
from collections import Counter

import pytest

from plainfilm.conversion.patient_splits import PatientGroups, balance_splits, split_of_hash
from plainfilm.options.data_set import SplitShares, parse_shares

THREE = parse_shares("train=0.8,validation=0.1,test=0.1")


def patients(number: int) -> list[str]:
    return [hashlib.sha256(str(index).encode()).hexdigest()[:32] for index in range(number)]


def test_patients_that_share_an_image_form_one_group_named_by_the_smallest() -> None:
    groups = PatientGroups([("c", "d"), ("b", "c"), ("x", "y")])
    assert {groups.group_of(patient) for patient in "bcd"} == {"b"}
    assert {groups.group_of(patient) for patient in "xy"} == {"x"}
    assert groups.group_of("a") == "a"


def test_groups_do_not_depend_on_the_order_in_which_they_are_joined() -> None:
    names, chance = patients(200), random.Random(7)
    pairs = [chance.sample(names, 2) for _ in range(120)]
    expected = {name: PatientGroups(pairs).group_of(name) for name in names}
    for _ in range(5):
        chance.shuffle(pairs)
        assert {name: PatientGroups(pairs).group_of(name) for name in names} == expected
    for name, group in expected.items():
        assert group == min(other for other in names if expected[other] == expected[name])


def test_a_long_chain_of_joins_ends_in_one_group() -> None:
    names = patients(5000)
    groups = PatientGroups(itertools.pairwise(names))
    assert {groups.group_of(name) for name in names} == {min(names)}


def test_shares_of_patients_are_met_by_their_hashes() -> None:
    counts = Counter(split_of_hash(patient, THREE) for patient in patients(20_000))
    assert counts["train"] == pytest.approx(16_000, rel=0.02)
    assert counts["validation"] == pytest.approx(2_000, rel=0.1)


@pytest.mark.parametrize(("group", "split"), [("0" * 32, "train"), ("f" * 32, "test"), ("cccccccc" * 4, "train")])
def test_the_hash_is_read_as_a_fraction(group: str, split: str) -> None:
    # 0xcccc... is just below 0.8
    assert split_of_hash(group, THREE) == split


def test_a_split_does_not_depend_on_how_the_sum_of_the_shares_is_rounded() -> None:
    thirds = SplitShares(parse_shares("a=0.333333,b=0.333333,c=0.333333").shares)
    assert split_of_hash("f" * 32, thirds) == "c"


@pytest.mark.parametrize("seed", range(20))
def test_exact_shares_are_met_to_within_the_largest_group(seed: int) -> None:
    chance = random.Random(seed)
    sizes = {patient: chance.choice([1, 1, 2, 3, 8]) for patient in patients(chance.randint(1, 300))}
    splits = balance_splits(sizes, THREE, {})
    assert splits.keys() == sizes.keys()
    counts = Counter[str]()
    for patient, split in splits.items():
        counts[split] += sizes[patient]
    for name, share in THREE.shares:
        assert abs(counts[name] - share * sum(sizes.values())) <= max(sizes.values())


def test_recorded_groups_stay_and_later_groups_fill_up() -> None:
    first = dict.fromkeys(patients(10), 1)
    recorded = dict.fromkeys(first, "test")
    splits = balance_splits(dict.fromkeys(patients(100), 1), THREE, recorded)
    assert all(splits[patient] == "test" for patient in first)
    assert Counter(splits.values()) == {"train": 80, "validation": 10, "test": 10}
