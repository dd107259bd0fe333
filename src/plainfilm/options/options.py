# SPDX-License-Identifier: MIT
"""All options of a run, by group."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields
from typing import Any

from plainfilm.errors import OptionsError
from plainfilm.options.decoding import DecodeOptions
from plainfilm.options.geometry import GeometryOptions
from plainfilm.options.limits import LimitOptions
from plainfilm.options.output import OutputOptions
from plainfilm.options.presentation import PresentationOptions
from plainfilm.options.privacy import PrivacyOptions
from plainfilm.options.render import Look, RenderOptions, VoiChoice
from plainfilm.options.run import RunOptions


@dataclass(frozen=True, slots=True)
class Options:
    """All options of a run."""

    render: RenderOptions = RenderOptions()
    decoding: DecodeOptions = DecodeOptions()
    geometry: GeometryOptions = GeometryOptions()
    presentation: PresentationOptions = PresentationOptions()
    output: OutputOptions = OutputOptions()
    privacy: PrivacyOptions = PrivacyOptions()
    limits: LimitOptions = LimitOptions()
    run: RunOptions = RunOptions()

    def __post_init__(self) -> None:
        if self.render.strict and self.decoding.allow_truncated:
            raise OptionsError("--strict and --allow-truncated contradict each other: one refuses what the other asks")
        if self.presentation.presentation is None:
            return
        if self.render.effective_look is not Look.VIEWER:
            raise OptionsError(f"--presentation contradicts --look {self.render.effective_look}")
        if self.render.voi != VoiChoice():
            raise OptionsError(f"--presentation contradicts --voi {self.render.voi}")

    @classmethod
    def of(cls, given: Mapping[str, object]) -> Options:
        """Options from names (with underscores) and values, as text or as Python values.

        Raises OptionsError for a name that does not exist, a value that cannot be read, and a contradiction.
        """
        unknown = sorted(set(given) - {name for name, _ in option_fields()})
        if unknown:
            raise OptionsError(f"unknown option {', '.join(unknown)}")
        return cls(**{group.name: _group_of(group.default, given) for group in fields(cls)})

    def to_mapping(self) -> dict[str, object]:
        """Names and values that `of` reads back; run.json holds those that another run may repeat."""
        groups = [getattr(self, group.name) for group in fields(self)]
        return {item.name: _written(getattr(group, item.name)) for group in groups for item in fields(group)}


def option_fields() -> Iterator[tuple[str, Field[Any]]]:
    """Every option's name and field, in the order of the stages."""
    for group in fields(Options):
        default: Any = group.default
        for item in fields(default):
            yield item.name, item


def _group_of(default: Any, given: Mapping[str, object]) -> Any:
    return type(default)(
        **{item.name: item.metadata["parse"](given[item.name]) for item in fields(default) if item.name in given}
    )


def _written(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
