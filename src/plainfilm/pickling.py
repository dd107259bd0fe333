# SPDX-License-Identifier: MIT
"""Make, change and pickle frozen dataclasses quickly. A hundred of them are made for every image, and some are sent."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from reprlib import recursive_repr
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, TypeVar

if TYPE_CHECKING:
    from dataclasses import dataclass as dataclass

T = TypeVar("T")

_FROZEN_WITH_SLOTS = {"frozen": True, "slots": True}
_make_fields = dataclasses.dataclass(init=False, repr=False, eq=False, slots=True)


def _dataclass(**options: bool) -> Callable[[Any], Any]:
    """Make a dataclass as `dataclasses` does, a frozen one with slots in a fifth of the time.

    A command or a worker makes two hundred of these classes when it starts, and `dataclasses` compiles six functions
    for each. Here only `__init__` is compiled; it sets each value by the descriptor of its slot, so that instances are
    made faster too. `field`, `fields`, `replace` and `asdict` of `dataclasses` work with these classes.
    """
    return _make_frozen if options == _FROZEN_WITH_SLOTS else dataclasses.dataclass(**options)


if not TYPE_CHECKING:
    dataclass = _dataclass


@cache
def _getter(names: tuple[str, ...]) -> Callable[[object], object]:
    return attrgetter(*names)


def field_values(value: Any) -> tuple[object, ...]:
    """Return the values of all fields of a dataclass, in their order, with one call for all of them."""
    names: tuple[str, ...] = type(value).__match_args__
    values: Any = _getter(names)(value) if names else ()
    result: tuple[object, ...] = (values,) if len(names) == 1 else values  # of one field, the value alone
    return result


def replaced(value: T, **changes: object) -> T:
    """Return a frozen dataclass with some fields changed, as `dataclasses.replace` does, in a fraction of its time."""
    kind: Any = type(value)
    changed: T = kind(*{**dict(zip(kind.__match_args__, field_values(value), strict=True)), **changes}.values())
    return changed


def made_of(kind: type[T], values: dict[str, Any]) -> T:
    """Return a dataclass of the values of all its fields by their names, which may be in any order.

    Many keyword arguments take much longer: Python compares the name of each with those of all parameters.
    """
    names: tuple[str, ...] = kind.__match_args__  # type: ignore[attr-defined]
    if len(values) != len(names):
        raise TypeError(f"{kind.__name__} has {len(names)} fields, not {len(values)}")
    return kind(*map(values.__getitem__, names))


class FastPickle:
    """Base class of frozen dataclasses with slots that pickles them in a sixth of the time of `dataclasses`.

    `__init__` must accept all fields as positional arguments in their order.
    """

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]]

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """The class and the arguments of its constructor."""
        return type(self), field_values(self)


def _make_frozen(plain: Any) -> Any:
    is_derived = any(hasattr(base, "__dataclass_fields__") for base in plain.__bases__)
    values = vars(plain).values()
    has_values_of_its_own = any(isinstance(value, dataclasses.Field) and not value.init for value in values)
    if is_derived or has_values_of_its_own or "__eq__" in vars(plain):
        return dataclasses.dataclass(frozen=True, slots=True)(plain)
    kind = _make_fields(plain)
    kind.__dataclass_params__.frozen = kind.__dataclass_params__.eq = kind.__dataclass_params__.repr = True
    kind.__dataclass_params__.init = True
    fields = dataclasses.fields(kind)
    compared = _values_of([field.name for field in fields if field.compare])
    hashed = _values_of([field.name for field in fields if (field.compare if field.hash is None else field.hash)])
    methods: dict[str, Callable[..., Any]] = {
        "__init__": _initializer(kind, fields),
        "__repr__": _representation([field.name for field in fields if field.repr]),
        "__eq__": _equality(compared),
        "__hash__": lambda value: hash(hashed(value)),
        "__setattr__": _refuse_change,
        "__delattr__": _refuse_deletion,
        "__getstate__": field_values,
        "__setstate__": _set_values,
    }
    for name, method in methods.items():
        if name not in plain.__dict__:
            setattr(kind, name, method)
    return kind


def _values_of(names: Sequence[str]) -> Callable[[Any], tuple[object, ...]]:
    """Return the function that returns the values of these fields."""
    if not names:
        return lambda _value: ()
    get = attrgetter(*names)
    return get if len(names) > 1 else lambda value: (get(value),)


def _initializer(kind: Any, fields: Sequence[dataclasses.Field[Any]]) -> Callable[..., None]:
    """Return `__init__`, which sets each value by the descriptor of its slot."""
    namespace: dict[str, Any] = {}
    parameters, steps = ["self"], []
    for field in fields:
        name = field.name
        namespace[f"_set_{name}"] = kind.__dict__[name].__set__
        value, default = name, ""
        if field.default is not dataclasses.MISSING:
            namespace[f"_default_{name}"], default = field.default, f"=_default_{name}"
        elif field.default_factory is not dataclasses.MISSING:
            namespace[f"_default_{name}"], default = field.default_factory, f"=_default_{name}"
            value = f"{name}() if {name} is _default_{name} else {name}"
        parameters.append(f"{name}{default}")
        steps.append(f"_set_{name}(self, {value})")
    if hasattr(kind, "__post_init__"):
        steps.append("self.__post_init__()")
    exec(f"def __init__({', '.join(parameters)}):\n {'; '.join(steps) or 'pass'}", namespace)
    method: Callable[..., None] = namespace["__init__"]
    method.__annotations__ = {**{field.name: field.type for field in fields}, "return": None}
    method.__qualname__, method.__module__ = f"{kind.__qualname__}.__init__", kind.__module__
    return method


def _representation(names: Sequence[str]) -> Callable[[Any], str]:
    @recursive_repr()
    def representation(value: Any) -> str:
        values = ", ".join(f"{name}={getattr(value, name)!r}" for name in names)
        return f"{type(value).__qualname__}({values})"

    return representation


def _equality(values_of: Callable[[Any], tuple[object, ...]]) -> Callable[[Any, object], bool]:
    def are_equal(value: Any, other: object) -> bool:
        return values_of(value) == values_of(other) if type(other) is type(value) else NotImplemented

    return are_equal


def _refuse_change(_value: object, name: str, _new: object) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot assign to field {name!r}")


def _refuse_deletion(_value: object, name: str) -> NoReturn:
    raise dataclasses.FrozenInstanceError(f"cannot delete field {name!r}")


def _set_values(value: Any, state: Sequence[object]) -> None:
    for field, field_value in zip(dataclasses.fields(value), state, strict=True):
        object.__setattr__(value, field.name, field_value)
