# SPDX-License-Identifier: MIT
"""Dataclasses that are made quickly behave like others."""

from __future__ import annotations

import dataclasses
import inspect
import pickle
from dataclasses import FrozenInstanceError, replace

import pytest

from plainfilm.pickling import FastPickle, dataclass, made_of, replaced
from plainfilm.records import Record


@dataclasses.dataclass(frozen=True, slots=True)
class Plain(FastPickle):
    """Made by `dataclasses`."""

    rows: int
    columns: int = 2
    name: str = ""


@dataclass(frozen=True, slots=True)
class Quick(FastPickle):
    """The same fields."""

    rows: int
    columns: int = 2
    name: str = ""


@pytest.mark.parametrize("arguments", [(1,), (1, 3), (1, 3, "x")])
def test_the_fields_and_defaults_are_those_of_dataclasses(arguments: tuple[object, ...]) -> None:
    quick, plain = Quick(*arguments), Plain(*arguments)  # type: ignore[arg-type]
    assert [getattr(quick, name) for name in Quick.__match_args__] == [
        getattr(plain, name) for name in Plain.__match_args__
    ]


def test_the_signature_is_that_of_dataclasses() -> None:
    assert inspect.signature(Quick) == inspect.signature(Plain)


def test_an_instance_is_frozen_equal_hashable_and_can_be_replaced_and_pickled() -> None:
    quick = Quick(1, name="x")
    with pytest.raises(FrozenInstanceError):
        quick.rows = 2  # type: ignore[misc]
    assert {quick} == {Quick(rows=1, columns=2, name="x")}
    assert replace(quick, rows=5) == replaced(quick, rows=5) == Quick(5, 2, "x")
    assert pickle.loads(pickle.dumps(quick)) == quick


@pytest.mark.parametrize("arguments", [(), (1, 2, "x", 4)])
def test_a_wrong_number_of_values_is_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        Quick(*arguments)  # type: ignore[arg-type]


def test_a_field_that_does_not_exist_cannot_be_replaced() -> None:
    with pytest.raises(TypeError):
        replaced(Quick(1), height=2)


def test_a_dataclass_is_made_of_its_values_in_any_order() -> None:
    assert made_of(Quick, {"name": "x", "rows": 1, "columns": 3}) == Quick(1, 3, "x")


@pytest.mark.parametrize("values", [{"rows": 1}, {"rows": 1, "columns": 2, "name": "", "height": 3}])
def test_a_missing_or_a_further_value_is_refused(values: dict[str, object]) -> None:
    with pytest.raises(TypeError, match="Quick has 3 fields"):
        made_of(Quick, values)


def test_a_row_has_a_parameter_for_each_field() -> None:
    assert tuple(inspect.signature(Record).parameters) == Record.__match_args__
