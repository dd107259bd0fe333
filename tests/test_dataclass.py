# SPDX-License-Identifier: MIT
"""`plainfilm.pickling.dataclass` makes the same classes as `dataclasses.dataclass`."""

from __future__ import annotations

import copy
import dataclasses
import inspect
import math
import pickle
from dataclasses import FrozenInstanceError, field
from typing import Any

import pytest

from plainfilm.pickling import dataclass


def made_by(decorator: Any) -> Any:
    """Return a class that uses everything that the project uses of dataclasses."""

    @decorator(frozen=True, slots=True)
    class Film:
        """A film."""

        name: str
        rows: int = 1
        tags: list[str] = field(default_factory=list)
        content: bytes = field(default=b"", repr=False)
        cache: dict[str, int] = field(default_factory=dict, compare=False)

        def __post_init__(self) -> None:
            if self.rows < 0:
                raise ValueError("rows")

        @property
        def title(self) -> str:
            return f"{self.name} {self.rows}"

    return Film


OWN, STANDARD = made_by(dataclass), made_by(dataclasses.dataclass)


@dataclass(frozen=True, slots=True)
class Point:
    """A module-level class, which pickle finds."""

    x: float
    y: float = 0.0


@dataclass(frozen=True, slots=True)
class Empty:
    """A class without fields."""


def test_the_class_says_the_same_of_itself() -> None:
    for name in ("__match_args__", "__slots__", "__doc__", "__qualname__", "__module__"):
        assert getattr(OWN, name) == getattr(STANDARD, name)
    assert inspect.get_annotations(OWN.__init__) == inspect.get_annotations(STANDARD.__init__)
    assert list(inspect.signature(OWN).parameters) == list(inspect.signature(STANDARD).parameters)
    assert repr(OWN.__dataclass_params__) == repr(STANDARD.__dataclass_params__)
    assert [f.name for f in dataclasses.fields(OWN)] == [f.name for f in dataclasses.fields(STANDARD)]


def test_instances_have_the_same_texts_values_and_hashes() -> None:
    own, standard = (kind("hand", 2, content=b"secret") for kind in (OWN, STANDARD))
    assert repr(own) == repr(standard)
    assert "secret" not in repr(own)
    assert dataclasses.asdict(own) == dataclasses.asdict(standard)
    assert own.title == "hand 2"
    assert hash(Point(1.0, 2.0)) == hash((1.0, 2.0))
    assert hash(Empty()) == hash(())


def test_instances_are_equal_by_their_compared_fields_and_class() -> None:
    assert OWN("hand", cache={"a": 1}) == OWN("hand")
    assert OWN("hand") != OWN("hand", tags=["x"])
    assert OWN("hand") != STANDARD("hand")
    assert Empty() == Empty()
    assert Point(math.nan) != Point(float("nan"))


def test_each_instance_has_its_own_default_value_and_is_checked() -> None:
    first, second = OWN("a"), OWN("b")
    first.tags.append("x")
    assert second.tags == []
    with pytest.raises(ValueError, match="rows"):
        OWN("a", -1)
    with pytest.raises(TypeError, match="name"):
        OWN()


def test_instances_cannot_be_changed() -> None:
    point = Point(1.0)
    with pytest.raises(FrozenInstanceError, match="cannot assign to field 'x'"):
        point.x = 2.0  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError, match="cannot delete field 'x'"):
        del point.x
    with pytest.raises(FrozenInstanceError):
        point.z = 2.0  # type: ignore[attr-defined]
    assert dataclasses.replace(point, y=3.0) == Point(1.0, 3.0)


@pytest.mark.parametrize("value", [Point(1.0, math.inf), Empty()])
def test_instances_can_be_pickled_and_copied(value: object) -> None:
    for protocol in range(2, pickle.HIGHEST_PROTOCOL + 1):
        assert pickle.loads(pickle.dumps(value, protocol)) == value
    assert copy.copy(value) == copy.deepcopy(value) == value


def test_a_class_with_methods_of_its_own_or_a_base_keeps_them() -> None:
    @dataclass(frozen=True, slots=True)
    class Quiet(Point):
        z: float = 1.0

        def __repr__(self) -> str:
            return "Quiet"

    assert repr(Quiet(1.0)) == "Quiet"
    assert (Quiet(1.0, 2.0, 3.0).x, Quiet(1.0).z) == (1.0, 1.0)
    assert Quiet(1.0) == Quiet(1.0, 0.0, 1.0)


def test_a_class_that_may_change_is_one_of_dataclasses() -> None:
    @dataclass(slots=True)
    class Count:
        images: int = 0

    count = Count()
    count.images += 1
    assert count == Count(1)


def test_a_class_that_compares_itself_is_hashable_as_with_dataclasses() -> None:
    @dataclass(frozen=True, slots=True)
    class Size:
        rows: int
        area: int = field(init=False, default=0)

        def __eq__(self, other: object) -> bool:
            return self is other

    assert hash(Size(1)) == hash(Size(1))
    assert list(inspect.signature(Size).parameters) == ["rows"]
