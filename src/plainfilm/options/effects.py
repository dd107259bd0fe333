# SPDX-License-Identifier: MIT
"""Find the options that can have no effect because of other options, whatever the input is."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from plainfilm.options.data_set import LabelKey, SplitBalance
from plainfilm.options.decoding import Resolution
from plainfilm.options.encoding import LOSSY_FORMATS, ImageFormat
from plainfilm.options.field import Option
from plainfilm.options.geometry import Fit, Mask, OutputSize, Pixels
from plainfilm.options.options import Options
from plainfilm.options.output import Layout
from plainfilm.options.presentation import Orient, Overlays
from plainfilm.options.privacy import RedactUnmatched
from plainfilm.options.render import LOOK_OPTIONS, Icc, Look, Polarity, VoiChoice
from plainfilm.options.run import EngineName
from plainfilm.pickling import dataclass

_Values = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class _Rule:
    """An option, the value from which it is given, and when it has no effect.

    default: the value that asks for nothing. cause: the options that make it ineffective, as the message says it.
    """

    name: str
    default: object
    cause: str
    is_ineffective: Callable[[_Values], bool]


def _look(values: _Values) -> Look:
    implied = (Look(name) for name in LOOK_OPTIONS if name != "look" and values.get(name) is not None)
    look = next(implied, values.get("look"))
    return look if isinstance(look, Look) else Look.VIEWER


def _has_no_size(values: _Values) -> bool:
    return values["size"] == OutputSize()


def _has_no_box(values: _Values) -> bool:
    size = values["size"]
    return not isinstance(size, OutputSize) or size.box is None


def _has_no_shards(values: _Values) -> bool:
    return values["layout"] is Layout.FOLDER


def _is_lossless(values: _Values) -> bool:
    image_format = values["format"]
    return image_format not in LOSSY_FORMATS or (values["lossless"] is True and image_format is not ImageFormat.JPEG)


def _has_no_choice_of_loss(values: _Values) -> bool:
    return values["format"] not in LOSSY_FORMATS


def _ignores_voi(values: _Values) -> bool:
    return _look(values) in (Look.WINDOW, Look.EQUALIZE, Look.STORED)


def _is_stored(values: _Values) -> bool:
    return _look(values) is Look.STORED


_WITH_STORED = "with --look stored, which writes the stored values"
_RULES = (
    _Rule("enlarge", False, "without --size", _has_no_size),
    _Rule("fit", Fit.KEEP, "without --size WxH", _has_no_box),
    _Rule("decode", Resolution.FULL, "without --size or --spacing", lambda v: _has_no_size(v) and v["spacing"] is None),
    _Rule("split_balance", SplitBalance.HASH, "without --split", lambda values: not values["split"]),
    _Rule("samples_per_file", 10_000, "without --layout webdataset or parquet", _has_no_shards),
    _Rule("label_key", LabelKey.FILE_NAME, "without --labels", lambda values: values["labels"] is None),
    _Rule("quality", 90, "on images without loss (it needs --format jpeg, webp or jxl)", _is_lossless),
    _Rule("lossless", False, "on a format that is always without loss", _has_no_choice_of_loss),
    _Rule("spacing", None, _WITH_STORED, _is_stored),
    _Rule("redact_unmatched", RedactUnmatched.ERROR, "without --redact-from", lambda v: v["redact_from"] is None),
    _Rule("shard_members", False, "without --shard", lambda values: values["shard"] is None),
    _Rule("voi", VoiChoice(), "with a look that does not use the VOI of the file", _ignores_voi),
    _Rule("scheduler", None, "without --engine dask", lambda values: values["engine"] is not EngineName.DASK),
    _Rule("jobs", None, "with --scheduler, whose own workers do the work", lambda v: v["scheduler"] is not None),
    _Rule("polarity", Polarity.AUTO, _WITH_STORED, _is_stored),
    _Rule("icc", Icc.EMBED, _WITH_STORED, _is_stored),
    _Rule("pixels", Pixels.SQUARE, _WITH_STORED, _is_stored),
    _Rule("crop", None, _WITH_STORED, _is_stored),
    _Rule("mask", Mask.NONE, _WITH_STORED, _is_stored),
    _Rule("size", OutputSize(), _WITH_STORED, _is_stored),
    _Rule("orient", Orient.STORED, _WITH_STORED, _is_stored),
    _Rule("overlays", Overlays.OFF, _WITH_STORED, lambda v: _is_stored(v) and v["overlays"] is Overlays.BURN),
)


_NO_TABLE = "on a single image, which has no table"
_NO_RUN = "on a single image"
_OF_FOLDERS = dict.fromkeys(
    ("names", "columns", "exclude", "table", "layout", "split", "labels", "label", "class_folders"), _NO_TABLE
) | dict.fromkeys(
    (
        "no_card",
        "no_report",
        "engine",
        "scheduler",
        "shard",
        "prune",
        "watch",
        "log",
        "source_column",
        "null",
    ),
    _NO_RUN,
)
"""The options that need a folder as OUT, each with the cause that a message names."""


def ineffective_options(
    parsed_values: _Values, single_format: ImageFormat | None = None
) -> Iterator[tuple[Option, str]]:
    """Yield each option that is given and can have no effect, and the cause: `without --size`.

    parsed_values: checked values by the names of the options; an option that is absent has its default. A value that
    equals the default counts as not given. single_format: the format of the name of a single image, which has neither a
    name of the run nor a table; None for a run into a folder.
    """
    declared = {option.name: option for option in Options.declared()}
    values = {name: option.default for name, option in declared.items()} | dict(parsed_values)
    if single_format is not None and "format" not in parsed_values:
        values["format"] = single_format
    for rule in _RULES:
        if values[rule.name] != rule.default and rule.is_ineffective(values):
            yield declared[rule.name], rule.cause
    for name, cause in _OF_FOLDERS.items() if single_format is not None else ():
        if values[name] != declared[name].default:
            yield declared[name], cause
