# SPDX-License-Identifier: MIT
"""Words, environment and files become options: each of them, in their order of precedence, and nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest
from tests.support.option_values import OPTION_VALUES

from plainfilm.cli.arguments import Parser, add_options, options_of, parse
from plainfilm.cli.configuration import read_config
from plainfilm.errors import OptionsError
from plainfilm.options.field import Option, Scope
from plainfilm.options.options import Options
from plainfilm.options.render import LOOK_OPTIONS, Look, UserWindow, VoiFunction
from plainfilm.options.run import Progress

# what an option needs to have an effect
NEEDED: dict[str, tuple[list[str], dict[str, object]]] = {
    "decode": (["--size", "64"], {"size": 64}),
    "enlarge": (["--size", "64"], {"size": 64}),
    "samples_per_file": (["--layout", "webdataset"], {"layout": "webdataset"}),
    "split_balance": (["--split", "a=0.5,b=0.5"], {"split": "a=0.5,b=0.5"}),
    "label_key": (["--labels", "l.csv", "--label", "age"], {"labels": "l.csv", "label": "age"}),
    "quality": (["--format", "jpeg"], {"format": "jpeg"}),
    "lossless": (["--format", "webp"], {"format": "webp"}),
    "redact_unmatched": (["--redact-from", "boxes.csv"], {"redact_from": "boxes.csv"}),
    "shard_members": (["--shard", "1/2"], {"shard": "1/2"}),
    "scheduler": (["--engine", "dask", "--key-file", "k"], {"engine": "dask", "key_file": "k"}),
}


def parser_of(declared: Iterable[Option]) -> Parser:
    parser = Parser(prog="plainfilm test")
    parser.add_argument("paths", nargs="*")
    add_options(parser, declared)
    return parser


def options(*words: str, environment: dict[str, str] | None = None) -> Options:
    return options_of(parse(parser_of(Options.declared()), words), environment or {})


def words_of(name: str) -> list[str]:
    flag, (typed, _) = f"--{name.replace('_', '-')}", OPTION_VALUES[name]
    return [flag, typed] if typed else [flag]


def test_every_option_has_an_example_in_this_file() -> None:
    assert set(OPTION_VALUES) == {option.name for option in Options.declared()}


@pytest.mark.parametrize("name", OPTION_VALUES)
def test_an_option_means_the_same_in_every_source(name: str, tmp_path: Path) -> None:
    typed, value = OPTION_VALUES[name]
    needed_words, needed = NEEDED.get(name, ([], {}))
    expected = Options.of({name: value, **needed})
    assert expected != Options() or name == "fit", "a default would prove nothing"
    assert options(*words_of(name), *needed_words) == expected
    assert options(*needed_words, environment={f"PLAINFILM_{name.upper()}": typed or "true"}) == expected
    config = tmp_path / "options.json"
    config.write_text(json.dumps({name.replace("_", "-"): typed or True}))
    assert options("--config", str(config), *needed_words) == expected


def test_repeated_options_are_accumulated() -> None:
    expected = Options.of({"redact": [(1, 2, 3, 4), (-5, 6, 7, 8), (9, 9, 9, 9)]})
    assert options("--redact", "1,2,3,4", "--redact", "-5,6,7,8;9,9,9,9") == expected


def test_only_the_requested_options_are_added() -> None:
    parser = parser_of(Options.declared(Scope.IMAGE))
    assert parse(parser, ["--bits", "16"]).bits == "16"
    with pytest.raises(OptionsError, match="--jobs"):
        parse(parser, ["--jobs", "1"])


@pytest.mark.parametrize(
    ("words", "window"),
    [
        (["--window", "-600,1500"], UserWindow(-600, 1500)),
        (["--window=-600,1500"], UserWindow(-600, 1500)),
        (["--window", "-.5,1"], UserWindow(-0.5, 1)),
        (["--window", " -600 , 1500 "], UserWindow(-600, 1500)),
        (["--window", "40,80,linear-exact"], UserWindow(40, 80, VoiFunction.LINEAR_EXACT)),
        (["--window", "40,80,SIGMOID"], UserWindow(40, 80, VoiFunction.SIGMOID)),
    ],
)
def test_a_center_may_be_negative(words: list[str], window: UserWindow) -> None:
    assert options("in", *words, "out").render.window == window


def test_a_word_after_a_negative_number_is_a_path() -> None:
    arguments = parse(parser_of(Options.declared()), ["in", "--window", "-600,1500", "out", "--strict", "more"])
    assert arguments.paths == ["in", "out", "more"]


def test_after_two_dashes_everything_is_a_path() -> None:
    arguments = parse(parser_of(Options.declared()), ["a", "--strict", "--", "--look", "-1", "b"])
    assert (arguments.paths, arguments.strict) == (["a", "./--look", "./-1", "b"], True)
    assert parse(parser_of(Options.declared()), ["--", "-x"]).paths == ["./-x"]


@pytest.mark.parametrize("word", ["--overwrit", "--bit", "--unheard-of", "-x"])
def test_options_cannot_be_abbreviated(word: str) -> None:
    with pytest.raises(OptionsError, match=f"{word}.*--help"):
        parse(parser_of(Options.declared()), ["in", "out", word])


def test_an_option_without_its_value_is_an_error() -> None:
    with pytest.raises(OptionsError, match="--bits"):
        parse(parser_of(Options.declared()), ["in", "out", "--bits"])


def test_the_command_line_overrides_the_file_and_the_file_the_environment(tmp_path: Path) -> None:
    config = tmp_path / "options.toml"
    config.write_text('polarity = "monochrome2"\nbits = 16\npixels = "stored"\n')
    environment = {"PLAINFILM_POLARITY": "monochrome1", "PLAINFILM_BITS": "8", "PLAINFILM_TIMEOUT": "5"}
    found = options("--pixels", "square", "--config", str(config), environment=environment)
    assert found.geometry.pixels == "square", "the command line"
    assert (found.render.polarity, found.render.bits) == ("monochrome2", 16), "the file"
    assert found.limits.timeout == 5, "the environment"
    assert found.run.progress is Progress.AUTO, "the default"


def test_a_look_is_not_contradicted_by_a_weaker_source(tmp_path: Path) -> None:
    config = tmp_path / "options.toml"
    config.write_text('window = "40,80"\n')
    environment = {"PLAINFILM_STRETCH": "5,95", "PLAINFILM_LOOK": "stretch"}
    assert options(environment=environment).render.effective_look is Look.STRETCH
    from_file = options("--config", str(config), environment=environment).render
    assert (from_file.window, from_file.stretch, from_file.look) == (UserWindow(40, 80), None, None)
    from_words = options("--look", "minmax", "--config", str(config), environment=environment).render
    assert (from_words.effective_look, from_words.window) == (Look.MINMAX, None)


def test_other_environment_variables_are_ignored() -> None:
    assert options(environment={"PLAINFILM_TEST_DATA": "x", "BITS": "16", "plainfilm_bits": "16"}) == Options()


def test_a_wrong_value_in_the_environment_is_an_error() -> None:
    with pytest.raises(OptionsError, match=r"^PLAINFILM_BITS: --bits: .*'12'"):
        options(environment={"PLAINFILM_BITS": "12"})


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("options.toml", 'look = "stretch"\nstretch = [1, 99]\njobs = 2\ndry-run = true\n'),
        ("options.toml", '[options]\nlook = "stretch"\nstretch = "1,99"\njobs = 2\ndry_run = true\n'),
        ("options.json", '{"look": "stretch", "stretch": [1, 99], "jobs": 2, "dry_run": true}'),
        (
            "run.json",
            ' {"options": {"look": "stretch", "stretch": "1.0,99.0", "jobs": 2, "dry_run": true}, "counts": {}}',
        ),
        ("no-suffix", 'look = "stretch"\nstretch = "1,99"\njobs = 2\ndry_run = true\n'),
    ],
)
def test_a_file_is_toml_or_json(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    expected = Options.of({"look": "stretch", "stretch": (1, 99), "jobs": 2, "dry_run": True})
    assert options("--config", str(tmp_path / name)) == expected


def test_options_round_trip_through_a_file(tmp_path: Path) -> None:
    for kept in LOOK_OPTIONS:
        # what would contradict another option here, or have no effect
        contradictions = {
            "strict",
            "presentation",
            "voi",
            "spacing",
            "quality",
            "lossless",
            "class_folders",
            "overlays",
            "jobs",
            "watch",
        }
        left_out = {*LOOK_OPTIONS, *contradictions} - {kept}
        given = Options.of({name: value for name, (_, value) in OPTION_VALUES.items() if name not in left_out})
        (tmp_path / "run.json").write_text(json.dumps({"options": given.to_mapping()}))
        assert options("--config", str(tmp_path / "run.json")) == given


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read"),
        (b"\xff\xfe\x00", "cannot be read"),
        (b'{"look": ', "neither JSON nor TOML"),
        (b"look: stretch\n", "neither JSON nor TOML"),
        (b'{"options": 3}', "no table of options"),
        (b'{"lok": "stretch"}', "--config .*options: unknown option lok; did you mean look"),
        (b'{"look": {"a": 1}}', "--look"),
        (b'{"window": [40, 80], "look": "stretch"}', "--window contradicts --look stretch"),
    ],
)
def test_an_invalid_configuration_file_is_an_error(content: bytes | None, said: str, tmp_path: Path) -> None:
    config = tmp_path / "options"
    if content is not None:
        config.write_bytes(content)
    with pytest.raises(OptionsError, match=said):
        options("--config", str(config))


def test_a_configuration_file_may_set_an_option_to_null(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"options": {"look": null, "window": null, "jobs": null}}')
    assert options("--config", str(tmp_path / "run.json"), environment={"PLAINFILM_BITS": "16"}).render.bits == 16


def test_a_configuration_is_read_without_its_comments(tmp_path: Path) -> None:
    (tmp_path / "options.toml").write_text("# a comment\nkey-file = 'a.key' # another\n")
    assert read_config(tmp_path / "options.toml") == {"key_file": "a.key"}
