# SPDX-License-Identifier: MIT
"""What a run is told: one frozen dataclass a stage; command line, Python and run.json derive from them.

Every field carries its own parser, meaning and placeholder, so a new option is one field here and nowhere else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import Field, dataclass, fields
from pathlib import Path
from typing import Any

from plainfilm.dicom.dictionary import Keywords, parse_columns
from plainfilm.errors import OptionsError
from plainfilm.options.choices import (
    FrameChoice,
    Look,
    Names,
    Progress,
    VoiChoice,
    parse_count,
    parse_flag,
    parse_member,
    parse_seconds,
    parse_size,
)
from plainfilm.options.picture_options import (
    DecodeOptions,
    GeometryOptions,
    PresentationOptions,
    RenderOptions,
    option,
    optional,
    words,
)
from plainfilm.options.redaction import NO_REDACTION_BOXES, RedactionBoxes, parse_boxes

GIB = 1024**3


def available_cpus() -> int:
    """The number of CPUs that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


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
        words(Names),
        "keep: the source's own relative path; uid: the SOP Instance UID; hash: a keyed hash of the path",
    )


@dataclass(frozen=True, slots=True)
class PrivacyOptions:
    """What of the patient is taken out of pictures, and let into tables: by itself neither."""

    redact: RedactionBoxes = option(
        NO_REDACTION_BOXES,
        parse_boxes,
        "X,Y,W,H",
        "black out a box of every image, in stored pixels from its upper left corner; several joined by ;, or repeated",
        ";",
    )
    redact_from: Path | None = option(
        None,
        optional(lambda value: Path(str(value))),
        "CSV",
        "black out boxes: columns source (as in the tables), x, y, w, h and, if need be, frame",
    )
    columns: Keywords = option(
        Keywords(),
        parse_columns,
        "KEYWORD,...",
        "carry more DICOM attributes into metadata.csv, whatever they say of the patient, such as StudyDate",
        ",",
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
        None, optional(parse_count("jobs")), "N", "worker processes (default: the CPUs this process may use)"
    )
    key_file: Path | None = option(
        None,
        optional(lambda value: Path(str(value))),
        "PATH",
        "the secret of every keyed hash (default: one in your configuration directory, made on first use)",
    )
    overwrite: bool = option(False, parse_flag, "", "do everything again, in an OUT that holds files already")
    dry_run: bool = option(False, parse_flag, "", "list what would be done, and do nothing")
    log: Path | None = option(
        None,
        optional(lambda value: Path(str(value))),
        "FILE",
        "what happens, as it happens, in lines of JSON at the end of FILE",
    )
    verbose: bool = option(False, parse_flag, "", "tracebacks of what fails (they may quote the data set)")
    progress: Progress = option(
        Progress.AUTO,
        parse_member(Progress, "progress"),
        words(Progress),
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
    decoding: DecodeOptions = DecodeOptions()
    geometry: GeometryOptions = GeometryOptions()
    showing: PresentationOptions = PresentationOptions()
    output: OutputOptions = OutputOptions()
    privacy: PrivacyOptions = PrivacyOptions()
    limits: LimitOptions = LimitOptions()
    run: RunOptions = RunOptions()

    def __post_init__(self) -> None:
        if self.render.strict and self.decoding.allow_truncated:
            raise OptionsError("--strict and --allow-truncated contradict each other: one refuses what the other asks")
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
