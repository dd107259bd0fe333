# SPDX-License-Identifier: MIT
"""What a run is told: one frozen dataclass a stage; command line, Python and run.json derive from them.

Every field carries its own parser, meaning and placeholder, so a new option is one field here and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import Field, dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from plainfilm.choices import (
    FrameChoice,
    Look,
    Names,
    Pixels,
    Polarity,
    Progress,
    Stretch,
    UserWindow,
    VoiChoice,
    parse_bits,
    parse_count,
    parse_flag,
    parse_member,
    parse_seconds,
    parse_size,
    parse_stretch,
    parse_voi,
    parse_window,
)
from plainfilm.errors import OptionsError
from plainfilm.showing import Orient, Overlays, PresentationChoice, parse_presentation

T = TypeVar("T")
GIB = 1024**3


def option(default: Any, parse: Callable[[object], Any], metavar: str, meaning: str) -> Any:
    """A field that is an option: its default, parser, placeholder on the command line ('' for a switch) and meaning."""
    return field(default=default, metadata={"parse": parse, "metavar": metavar, "meaning": meaning})


def _words(kind: type[StrEnum]) -> str:
    return "|".join(member.value for member in kind)


def _optional(parse: Callable[[object], T]) -> Callable[[object], T | None]:
    return lambda value: None if value is None else parse(value)


def available_cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclass(frozen=True, slots=True)
class RenderOptions:
    """How stored values become grey levels: everything a plan depends on besides the image itself."""

    look: Look | None = option(None, _optional(parse_member(Look, "look")), _words(Look), "what the picture looks like")
    window: UserWindow | None = option(
        None,
        _optional(parse_window),
        "C,W[,FUNCTION]",
        "your own window, on the modality output; implies --look window. FUNCTION: linear, linear-exact or sigmoid",
    )
    stretch: Stretch | None = option(
        None,
        _optional(parse_stretch),
        "LOW,HIGH[,all]",
        "percentiles of the look stretch (default 0.1,99.9); all: the extreme values count too; implies --look stretch",
    )
    voi: VoiChoice = option(
        VoiChoice(),
        parse_voi,
        "auto|none|lut[:N]|window[:N]|TEXT",
        "which VOI of the file: by kind, kind and index from 0, or its Explanation",
    )
    polarity: Polarity = option(
        Polarity.AUTO,
        parse_member(Polarity, "polarity"),
        _words(Polarity),
        "what grey images are taken for, whatever their header says",
    )
    bits: int = option(8, parse_bits, "8|16", "output depth")
    strict: bool = option(False, parse_flag, "", "a VOI that would have to be replaced fails the image instead")

    def __post_init__(self) -> None:
        if self.window is not None and self.stretch is not None:
            raise OptionsError("--window and --stretch contradict each other: each is a look of its own")
        if self.window is not None and self.look not in (None, Look.WINDOW):
            raise OptionsError(f"--window contradicts --look {self.look}")
        if self.stretch is not None and self.look not in (None, Look.STRETCH):
            raise OptionsError(f"--stretch contradicts --look {self.look}")
        if self.look is Look.WINDOW and self.window is None:
            raise OptionsError("--look window needs --window CENTER,WIDTH")

    @property
    def effective_look(self) -> Look:
        """The look after what --window and --stretch imply."""
        if self.window is not None:
            return Look.WINDOW
        return Look.STRETCH if self.stretch is not None else self.look or Look.VIEWER

    @property
    def percentiles(self) -> Stretch:
        """The percentiles of the look `stretch`."""
        return self.stretch or Stretch()


@dataclass(frozen=True, slots=True)
class GeometryOptions:
    """How P-Values become the output's rows and columns."""

    pixels: Pixels = option(
        Pixels.SQUARE, parse_member(Pixels, "pixels"), _words(Pixels), "whether pixels that are not square are made so"
    )


@dataclass(frozen=True, slots=True)
class ShowingOptions:
    """What a viewer adds to the grey levels."""

    overlays: Overlays = option(
        Overlays.OFF,
        parse_member(Overlays, "overlays"),
        _words(Overlays),
        "overlay planes: burn paints them into the picture, mask writes each as a picture of its own beside it",
    )
    presentation: PresentationChoice | None = option(
        None,
        _optional(parse_presentation),
        "PATH|auto",
        "a grayscale softcopy presentation state for the images that it refers to; auto: found among the sources",
    )
    orient: Orient = option(
        Orient.STORED, parse_member(Orient, "orient"), _words(Orient), "viewer: turned and flipped as films are hung"
    )


@dataclass(frozen=True, slots=True)
class OutputOptions:
    """Which images come out and how they are named."""

    frames: FrameChoice = option(
        FrameChoice(),
        lambda value: FrameChoice(str(value)),
        "all|first|middle|N",
        "frames of multi-frame instances; N counts from 1",
    )
    names: Names = option(
        Names.KEEP,
        parse_member(Names, "names"),
        _words(Names),
        "keep: the source's own relative path; uid: the SOP Instance UID; hash: a keyed hash of the path",
    )


@dataclass(frozen=True, slots=True)
class LimitOptions:
    """Beyond these an instance fails, and the run goes on."""

    timeout: float = option(120.0, parse_seconds, "SECONDS", "longest time a frame may take")
    memory: int = option(4 * GIB, parse_size, "SIZE", "most memory an instance may take, such as 512MiB (default 4GiB)")
    max_pixels: int = option(500_000_000, parse_count("max-pixels"), "N", "most rows x columns x samples of a frame")


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How the run goes, which leaves the pictures as they are."""

    jobs: int | None = option(
        None, _optional(parse_count("jobs")), "N", "worker processes (default: the CPUs this process may use)"
    )
    key_file: Path | None = option(
        None,
        _optional(lambda value: Path(str(value))),
        "PATH",
        "the secret of every keyed hash (default: one in your configuration directory, made on first use)",
    )
    overwrite: bool = option(False, parse_flag, "", "do everything again, in an OUT that holds files already")
    dry_run: bool = option(False, parse_flag, "", "list what would be done, and do nothing")
    log: Path | None = option(
        None,
        _optional(lambda value: Path(str(value))),
        "FILE",
        "what happens, as it happens, in lines of JSON at the end of FILE",
    )
    verbose: bool = option(False, parse_flag, "", "tracebacks of what fails (they may quote the data set)")
    progress: Progress = option(
        Progress.AUTO,
        parse_member(Progress, "progress"),
        _words(Progress),
        "a bar on a terminal; json: one line of status a second on standard error",
    )

    @property
    def workers(self) -> int:
        """The number of worker processes."""
        return self.jobs or available_cpus()


@dataclass(frozen=True, slots=True)
class Options:
    """All options of a run."""

    render: RenderOptions = RenderOptions()
    geometry: GeometryOptions = GeometryOptions()
    showing: ShowingOptions = ShowingOptions()
    output: OutputOptions = OutputOptions()
    limits: LimitOptions = LimitOptions()
    run: RunOptions = RunOptions()

    def __post_init__(self) -> None:
        if self.showing.presentation is None:
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
        """Names and values that `of` reads back: what run.json holds."""
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
