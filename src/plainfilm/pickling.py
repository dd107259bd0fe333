# SPDX-License-Identifier: MIT
"""A frozen dataclass -> one that is pickled as its class and its values, as is done a few times for every picture."""

from __future__ import annotations

from typing import ClassVar


class FastPickle:
    """What a frozen dataclass with slots inherits: pickled in a sixth of the time that `dataclasses` takes.

    All fields are given to `__init__` in their order; none may be keyword-only.
    """

    __slots__ = ()
    __match_args__: ClassVar[tuple[str, ...]]

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        """The class, and what it is made anew with."""
        return type(self), tuple([getattr(self, name) for name in self.__match_args__])
