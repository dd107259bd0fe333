# SPDX-License-Identifier: MIT
"""Options are written as they are read, have the documented defaults, and must not contradict each other."""

from __future__ import annotations

import json
from enum import StrEnum

import pytest
from tests.support.option_values import OPTION_VALUES

from plainfilm.errors import OptionsError
from plainfilm.options.field import Option
from plainfilm.options.geometry import CropMode
from plainfilm.options.options import Options
from plainfilm.options.render import Look, Stretch, UserWindow
from plainfilm.options.run import RunOptions, available_cpus

ONLY_ONE_VALUE = {"fit"}  # another fit needs a size


def test_the_table_of_values_contains_every_option() -> None:
    assert set(OPTION_VALUES) == {option.name for option in Options.declared()}


@pytest.mark.parametrize("name", OPTION_VALUES)
@pytest.mark.parametrize("place", [0, 1])
def test_every_option_round_trips(name: str, place: int) -> None:
    options = Options.of({name: OPTION_VALUES[name][place] or "true"})
    assert name in ONLY_ONE_VALUE or options != Options()
    assert Options.of(json.loads(json.dumps(options.to_mapping()))) == options


def test_the_defaults_round_trip_and_are_written_in_full() -> None:
    mapping = Options().to_mapping()
    assert list(mapping) == [option.name for option in Options.declared()]
    assert Options.of(json.loads(json.dumps(mapping))) == Options()


def test_all_options_together_round_trip() -> None:
    left_out = ("look", "window", "clahe", "strict", "presentation", "spacing", "overlays", "watch")
    given = {name: value for name, (_, value) in OPTION_VALUES.items() if name not in left_out}
    options = Options.of(given)
    assert Options.of(json.loads(json.dumps(options.to_mapping()))) == options


def test_to_refuse_repairs_and_to_fill_what_is_missing_contradict_each_other() -> None:
    with pytest.raises(OptionsError, match="--strict and --allow-truncated"):
        Options.of({"strict": True, "allow_truncated": True})


def test_the_defaults_are_those_of_the_interface() -> None:
    options = Options()
    assert options.to_mapping() == {
        "look": None,
        "window": None,
        "stretch": None,
        "clahe": None,
        "voi": "auto",
        "polarity": "auto",
        "bits": 8,
        "icc": "embed",
        "strict": False,
        "decode": "full",
        "allow_truncated": False,
        "verify": False,
        "pixels": "square",
        "crop": None,
        "mask": "none",
        "size": "none",
        "spacing": None,
        "enlarge": False,
        "fit": "keep",
        "overlays": "off",
        "presentation": None,
        "orient": "stored",
        "format": "png",
        "quality": 90,
        "lossless": False,
        "frames": "all",
        "names": "keep",
        "layout": "folder",
        "samples_per_file": 10_000,
        "table": "csv",
        "no_card": False,
        "split": "",
        "split_balance": "hash",
        "labels": None,
        "label": "",
        "label_key": "file_name",
        "class_folders": None,
        "modality": "",
        "body_part": "",
        "where": "",
        "redact": "",
        "redact_from": None,
        "redact_unmatched": "error",
        "columns": "",
        "timeout": 120.0,
        "memory": 4 * 1024**3,
        "max_pixels": 500_000_000,
        "source_column": None,
        "null": False,
        "jobs": None,
        "engine": "local",
        "scheduler": None,
        "key_file": None,
        "shard": None,
        "shard_members": False,
        "overwrite": False,
        "prune": False,
        "no_report": False,
        "log": None,
        "verbose": False,
        "watch": False,
        "dry_run": False,
        "progress": "auto",
        "quiet": False,
        "exclude": None,
    }
    assert options.render.effective_look is Look.VIEWER
    assert options.render.percentiles == Stretch(0.1, 99.9)


@pytest.mark.parametrize("given", ["border", " Border ", CropMode.BORDER])
def test_the_margin_is_written_as_it_was_entered(given: object) -> None:
    options = Options.of({"crop": given})
    assert options.geometry.crop is CropMode.BORDER
    assert options.to_mapping()["crop"] == "border"
    assert Options.of(options.to_mapping()) == options


@pytest.mark.parametrize("given", ["borders", "edge", "1,2,3", "1,2,0,4", (1, 2)])
def test_an_invalid_crop_is_refused(given: object) -> None:
    with pytest.raises(OptionsError, match="--crop: none, border or X,Y,W,H"):
        Options.of({"crop": given})


def test_a_fit_needs_a_width_and_a_height() -> None:
    with pytest.raises(OptionsError, match="--fit pad needs --size WxH"):
        Options.of({"fit": "pad", "size": 512})


def test_every_option_has_a_help_text_and_switches_take_no_value() -> None:
    for option in Options.declared():
        assert option.meaning, option.name
        assert option.is_switch is isinstance(option.default, bool), option.name


@pytest.mark.parametrize(
    ("given", "look"),
    [
        ({}, Look.VIEWER),
        ({"look": "minmax"}, Look.MINMAX),
        ({"window": "40,80"}, Look.WINDOW),
        ({"window": "40,80", "look": "window"}, Look.WINDOW),
        ({"stretch": "1,99"}, Look.STRETCH),
        ({"stretch": "1,99", "look": "stretch"}, Look.STRETCH),
        ({"clahe": "3,4"}, Look.CLAHE),
        ({"clahe": "3,4", "look": "clahe"}, Look.CLAHE),
        ({"look": "equalize"}, Look.EQUALIZE),
        ({"look": "stretch"}, Look.STRETCH),
    ],
)
def test_a_window_and_percentiles_imply_their_look(given: dict[str, object], look: Look) -> None:
    assert Options.of(given).render.effective_look is look


def test_percentiles_of_the_user_are_used_by_the_stretch() -> None:
    assert Options.of({"stretch": "2,98,all"}).render.percentiles == Stretch(2, 98, True)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"window": "40,80", "look": "stretch"}, ("--window", "--look stretch")),
        ({"window": "40,80", "look": "viewer"}, ("--window", "--look viewer")),
        ({"stretch": "1,99", "look": "viewer"}, ("--stretch", "--look viewer")),
        ({"stretch": "1,99", "look": "minmax"}, ("--stretch", "--look minmax")),
        ({"window": "40,80", "stretch": "1,99"}, ("--window", "--stretch")),
        ({"stretch": "1,99", "clahe": "2,8"}, ("--stretch", "--clahe")),
        ({"clahe": "2,8", "look": "viewer"}, ("--clahe", "--look viewer")),
        ({"look": "window"}, ("--look window", "--window")),
    ],
)
def test_options_that_contradict_each_other_are_refused(given: dict[str, object], words: tuple[str, ...]) -> None:
    with pytest.raises(OptionsError) as caught:
        Options.of(given)
    assert caught.value.exit_code == 2
    for word in words:
        assert word in str(caught.value)


def test_an_option_that_does_not_exist_is_refused_by_name() -> None:
    with pytest.raises(OptionsError, match="unknown option colour, sise"):
        Options.of({"sise": 5, "colour": "grey", "bits": 8})


# a path, an Explanation and the name of a column may be any text
ANY_TEXT = (
    "voi",
    "label",
    "class_folders",
    "modality",
    "body_part",
    "source_column",
    *(option.name for option in Options.declared() if "PathLike" in option.value_type.keyword),
)


@pytest.mark.parametrize("name", [name for name in OPTION_VALUES if name not in ANY_TEXT])
def test_a_value_that_cannot_be_read_is_refused(name: str) -> None:
    with pytest.raises(OptionsError):
        Options.of({name: "?"})


def test_the_users_window_arrives_as_a_window() -> None:
    assert Options.of({"window": (40, 80)}).render.window == UserWindow(40, 80)


def test_workers_are_the_jobs_asked_for_or_the_cpus_there_are() -> None:
    assert RunOptions(jobs=3).workers == 3
    assert RunOptions().workers == available_cpus() >= 1


@pytest.mark.parametrize("other", [{"look": "minmax"}, {"window": "40,80"}, {"voi": "none"}])
def test_a_presentation_state_contradicts_another_way_to_grey_levels(other: dict[str, str]) -> None:
    with pytest.raises(OptionsError, match="--presentation contradicts"):
        Options.of({"presentation": "auto", **other})


# how a default is written in a file or in the environment, where its own spelling is not the only one
WRITTEN_DEFAULTS: dict[str, tuple[object, ...]] = {
    "look": ("viewer", "VIEWER"),
    "bits": ("8", 8),
    "crop": ("none", "None"),
    "size": ("none", "NONE"),
    "voi": ("auto", " Auto "),
    "timeout": ("120", "120s", 120, "120.0"),
    "memory": ("4GiB", "4096MiB", "4g", 4 * 1024**3),
    "max_pixels": ("5e8", "500000000", 500_000_000),
    "redact": ("", []),
    "columns": ("", []),
}


@pytest.mark.parametrize("option", list(Options.declared()), ids=lambda option: option.name)
def test_a_default_that_is_written_out_equals_one_that_is_left_out(option: Option) -> None:
    spellings = [option.default, *WRITTEN_DEFAULTS.get(option.name, ())]
    if option.is_switch:
        spellings += ["false", "no", "0", False]
    elif isinstance(option.default, StrEnum):
        spellings += [option.default.value, option.default.value.upper()]
    for spelling in spellings:
        assert Options.of({option.name: spelling}).effective_mapping() == Options().effective_mapping(), spelling


@pytest.mark.parametrize(
    ("written", "left_out"),
    [
        ({"look": "stretch", "stretch": "0.1,99.9"}, {"look": "stretch"}),
        ({"stretch": (0.1, 99.9)}, {"look": "stretch"}),
        ({"clahe": "2,8"}, {"look": "clahe"}),
        ({"look": "window", "window": "40,80,linear"}, {"window": (40.0, 80.0)}),
    ],
)
def test_the_parameters_of_a_look_may_be_written_out(written: dict[str, object], left_out: dict[str, object]) -> None:
    assert Options.of(written).effective_mapping() == Options.of(left_out).effective_mapping()
    assert Options.of(written).effective_mapping() != Options().effective_mapping()


@pytest.mark.parametrize("option", ["dry_run", "prune", "presentation"])
def test_a_run_that_watches_contradicts_options_that_need_all_sources(option: str) -> None:
    with pytest.raises(OptionsError, match=f"--watch contradicts --{option.replace('_', '-')}"):
        Options.of({"watch": True, option: "auto" if option == "presentation" else True})
