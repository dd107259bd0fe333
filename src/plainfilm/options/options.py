# SPDX-License-Identifier: MIT
"""All options of a run, by group."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from plainfilm.errors import OptionsError, Reason
from plainfilm.options.data_set import DataSetOptions
from plainfilm.options.decoding import DecodeOptions
from plainfilm.options.encoding import EncodingOptions
from plainfilm.options.field import Option, Scope, options_of
from plainfilm.options.geometry import GeometryOptions
from plainfilm.options.limits import LimitOptions
from plainfilm.options.output import Layout, OutputOptions
from plainfilm.options.presentation import Overlays, PresentationOptions, PresentationSource
from plainfilm.options.privacy import PrivacyOptions
from plainfilm.options.render import Look, RenderOptions, VoiChoice
from plainfilm.options.run import RunOptions
from plainfilm.options.selection import SelectionOptions, check_conditions
from plainfilm.options.sources import SourceOptions
from plainfilm.options.suggestion import did_you_mean
from plainfilm.pickling import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """All options of a run. Each group is passed to the stages that need it."""

    render: RenderOptions = RenderOptions()
    decoding: DecodeOptions = DecodeOptions()
    geometry: GeometryOptions = GeometryOptions()
    presentation: PresentationOptions = PresentationOptions()
    encoding: EncodingOptions = EncodingOptions()
    output: OutputOptions = OutputOptions()
    data_set: DataSetOptions = DataSetOptions()
    selection: SelectionOptions = SelectionOptions()
    privacy: PrivacyOptions = PrivacyOptions()
    limits: LimitOptions = LimitOptions()
    sources: SourceOptions = SourceOptions()
    run: RunOptions = RunOptions()

    def __post_init__(self) -> None:
        if self.render.strict and self.decoding.allow_truncated:
            raise OptionsError(
                "--strict and --allow-truncated contradict each other: one refuses the repair that the other asks for"
            )
        self._check_depth()
        if self.presentation.overlays is Overlays.MASK:
            if self.data_set.class_folders is not None:
                raise OptionsError("--overlays mask contradicts --class-folders: its folder would count as a class")
            if self.output.layout is not Layout.FOLDER:
                raise OptionsError(f"--overlays mask contradicts --layout {self.output.layout}")
        self._check_watch()
        check_conditions(self.selection.where, self.privacy.columns.words)
        if self.presentation.presentation is None:
            return
        if self.render.effective_look is not Look.VIEWER:
            raise OptionsError(f"--presentation contradicts --look {self.render.effective_look}")
        if self.render.voi != VoiChoice():
            raise OptionsError(f"--presentation contradicts --voi {self.render.voi}")

    def _check_depth(self) -> None:
        """Raise OptionsError for a format that cannot hold the depth of the output."""
        image_format, is_stored = self.encoding.format, self.render.effective_look is Look.STORED
        bits = 16 if is_stored else self.render.bits
        if bits not in image_format.bits:
            cause = "--look stored, which has 16 bits" if is_stored else f"--bits {bits}"
            raise OptionsError(
                f"--format {image_format} holds 8 bits and contradicts {cause}: choose png, tiff, jxl or npy"
            )

    def _check_watch(self) -> None:
        """Raise OptionsError for an option that needs all sources, or a run that ends by itself."""
        if not self.run.watch:
            return
        if self.run.dry_run:
            raise OptionsError("--watch contradicts --dry-run, which lists what is there now")
        if self.run.prune:
            raise OptionsError("--watch contradicts --prune: run with --prune alone to remove what is gone")
        if self.run.shard is not None:
            raise OptionsError("--watch contradicts --shard: a shard ends, so that the shards can be merged")
        if self.presentation.presentation == PresentationSource():
            raise OptionsError(
                "--watch contradicts --presentation auto: a presentation state may arrive after its image (give a PATH)"
            )

    @classmethod
    def declared(cls, *scopes: Scope) -> Iterator[Option]:
        """The declarations of the options, in the order of the groups; scopes: those wanted, or all without any."""
        for _, options in cls.groups(*scopes):
            yield from options

    @classmethod
    def groups(cls, *scopes: Scope) -> Iterator[tuple[str, list[Option]]]:
        """The name of each group and its options of these scopes; a group without any is left out."""
        for group in fields(cls):
            if options := [item for item in options_of(group.default) if not scopes or item.scope in scopes]:
                yield group.name, options

    @classmethod
    def of(cls, values: Mapping[str, object]) -> Options:
        """Options from their names, with underscores, and values, as text or as Python values.

        Raises OptionsError for an unknown name, a value that cannot be parsed, and options that contradict each other.
        """
        names = {item.name for item in cls.declared()}
        if unknown := sorted(set(values) - names):
            raise OptionsError(f"unknown option {', '.join(unknown)}{did_you_mean(unknown[0], names)}")
        return cls(**{group.name: _group_of(group.default, values) for group in fields(cls)})

    def to_mapping(self) -> dict[str, object]:
        """The names and values of all options, as values of JSON that `of` reads back."""
        groups = [getattr(self, group.name) for group in fields(self)]
        return {item.name: _plain(getattr(group, item.name)) for group in groups for item in options_of(group)}

    def effective_mapping(self) -> dict[str, object]:
        """As `to_mapping`, and equal for options that ask for the same: the defaults of the look are written out."""
        return self.to_mapping() | self.render.effective_values()

    def command_words(self) -> Iterator[str]:
        """The words of a command with the options that decide images and rows and differ from their defaults.

        A path is replaced by the placeholder of its option: it may name a person.
        """
        for group in fields(self):
            values = getattr(self, group.name)
            for item in options_of(values):
                value = getattr(values, item.name)
                is_of_run_alone = item.resume.may_change and item.resume.retry is not Reason.EXCLUDED
                if is_of_run_alone or value == item.default:
                    continue
                yield item.flag
                if not item.is_switch:
                    is_path = isinstance(getattr(value, "path", value), Path)
                    yield item.value_type.metavar.partition("|")[0] if is_path else shlex.quote(str(value))


def _group_of(default: Any, values: Mapping[str, object]) -> Any:
    """A group of the class of its default, with the values that belong to it."""
    return type(default)(
        **{item.name: item.parse(values[item.name]) for item in options_of(default) if item.name in values}
    )


def _plain(value: object) -> object:
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
