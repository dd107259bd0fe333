# SPDX-License-Identifier: MIT
"""A message about an option says where its value comes from, and an option without effect is refused when typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from plainfilm.cli.arguments import command_parser, options_of, parse
from plainfilm.cli.help import CommandHelp
from plainfilm.cli.variables import unknown_variables
from plainfilm.errors import OptionsError
from plainfilm.options.encoding import ImageFormat
from plainfilm.options.options import Options


def options(*words: str, environment: dict[str, str] | None = None) -> Options:
    parser = command_parser("test", CommandHelp("", ""))
    return options_of(parse(parser, words), environment or {})


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--enlarge"], "--enlarge has no effect without --size"),
        (["--enlarge", "--size", "none"], "--enlarge has no effect without --size"),
        (["--fit", "pad"], "--fit has no effect without --size WxH"),
        (["--fit", "crop", "--size", "512"], "--fit has no effect without --size WxH"),
        (["--decode", "reduced"], "--decode has no effect without --size"),
        (["--redact-unmatched", "ignore"], "--redact-unmatched has no effect without --redact-from"),
        (["--window", "40,80", "--voi", "lut"], "--voi has no effect with a look"),
        (["--look", "equalize", "--voi", "none"], "--voi has no effect with a look"),
        (["--quality", "80"], "--quality has no effect on images without loss"),
        (["--quality", "80", "--format", "webp", "--lossless"], "--quality has no effect on images without loss"),
        (["--lossless"], "--lossless has no effect on a format that is always without loss"),
        (["--spacing", "0.2", "--look", "stored"], "--spacing has no effect with --look stored"),
        (["--look", "stored", "--polarity", "monochrome1"], "--polarity has no effect with --look stored"),
        (["--look", "stored", "--size", "64"], "--size has no effect with --look stored"),
        (["--look", "stored", "--crop", "border"], "--crop has no effect with --look stored"),
        (["--look", "stored", "--icc", "srgb"], "--icc has no effect with --look stored"),
        (["--look", "stored", "--overlays", "burn"], "--overlays has no effect with --look stored"),
    ],
)
def test_an_option_without_effect_is_refused_when_it_is_typed(words: list[str], said: str, tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=said):
        options(*words)
    given = {name.removeprefix("--"): "" for name in words if name.startswith("--")}
    for position, word in enumerate(words):
        if word.startswith("--"):
            following = words[position + 1 : position + 2]
            given[word[2:]] = following[0] if following and not following[0].startswith("--") else "true"
    ineffective = said.split()[0][2:]
    others = {name: value for name, value in given.items() if name != ineffective}
    expected = Options.of({name.replace("-", "_"): value for name, value in others.items()})
    variables = {f"PLAINFILM_{name.upper().replace('-', '_')}": value for name, value in given.items()}
    assert options(environment=variables) == expected, "ignored in the environment"
    (tmp_path / "run.json").write_text(json.dumps({"options": given}))
    assert options("--config", str(tmp_path / "run.json")) == expected, "ignored in a file"


@pytest.mark.parametrize("words", [["--fit", "keep"], ["--decode", "full"], ["--voi", "auto", "--look", "equalize"]])
def test_a_default_that_is_typed_is_accepted(words: list[str]) -> None:
    assert options(*words).geometry == Options().geometry


def test_the_name_of_a_single_image_decides_its_format() -> None:
    parser = command_parser("test", CommandHelp("", ""))
    arguments = parse(parser, ["--quality", "80"])
    assert options_of(arguments, {}, ImageFormat.JPEG).encoding.quality == 80
    with pytest.raises(OptionsError, match="--quality"):
        options_of(arguments, {}, ImageFormat.PNG)
    with pytest.raises(OptionsError, match="--table has no effect on a single image"):
        options_of(parse(parser, ["--table", "jsonl"]), {}, ImageFormat.PNG)
    assert options_of(parse(parser, []), {"PLAINFILM_TABLE": "jsonl"}, ImageFormat.PNG) == Options()


@pytest.mark.parametrize(
    "words",
    [
        ["--engine", "dask"],
        ["--prune"],
        ["--layout", "webdataset"],
        ["--split", "a=0.5,b=0.5"],
        ["--labels", "labels.csv"],
        ["--label", "grade"],
        ["--class-folders", "grade"],
        ["--watch"],
        ["--log", "log"],
        ["--source-column", "film"],
        ["--null"],
    ],
)
def test_an_option_of_a_folder_has_no_effect_on_a_single_image(words: list[str]) -> None:
    parser = command_parser("test", CommandHelp("", ""))
    with pytest.raises(OptionsError, match=f"{words[0]} has no effect on a single image"):
        options_of(parse(parser, words), {}, ImageFormat.PNG)
    variable = f"PLAINFILM_{words[0].removeprefix('--').upper().replace('-', '_')}"
    value = words[1] if words[1:] else "true"
    assert options_of(parse(parser, []), {variable: value}, ImageFormat.PNG) == Options()


@pytest.mark.parametrize("words", [["--jobs", "2"], ["--overwrite"], ["--key-file", "key"], ["--progress", "none"]])
def test_a_single_image_accepts_how_a_command_works(words: list[str]) -> None:
    arguments = parse(command_parser("test", CommandHelp("", "")), words)
    assert options_of(arguments, {}, ImageFormat.PNG).render == Options().render


def test_an_option_has_an_effect_through_another_place() -> None:
    assert options("--fit", "pad", environment={"PLAINFILM_SIZE": "64x64"}).geometry.fit == "pad"


def test_a_message_names_the_variable_or_the_file_of_a_value(tmp_path: Path) -> None:
    config = tmp_path / "own.toml"
    config.write_text('timeout = "soon"\n')
    with pytest.raises(OptionsError, match=r"^--config .*own\.toml: --timeout: 'soon' is not a number"):
        options("--config", str(config))
    with pytest.raises(OptionsError, match=r"^PLAINFILM_JOBS: --jobs: "):
        options(environment={"PLAINFILM_JOBS": "-1"})
    with pytest.raises(OptionsError, match=r"contradict.*\(--strict comes from PLAINFILM_STRICT\)"):
        options("--allow-truncated", environment={"PLAINFILM_STRICT": "1"})


def test_a_variable_without_a_value_is_not_given() -> None:
    assert options(environment={"PLAINFILM_LOOK": "", "PLAINFILM_JOBS": ""}) == Options()


def test_an_unknown_variable_is_warned_of_with_a_similar_one() -> None:
    environment = {
        "PLAINFILM_WINDW": "1,2",
        "PLAINFILM_BITS": "8",
        "PLAINFILM_TEST_DATA": "x",
        "PLAINFILM_SERVICE_HOST": "10.0.0.1",
        "PLAINFILM_SERVICE_PORT": "80",
        "PLAINFILM_SERVICE_PORT_HTTP": "80",
        "PLAINFILM_PORT": "tcp://10.0.0.1:80",
        "PLAINFILM_PORT_80_TCP": "tcp://10.0.0.1:80",
        "PLAINFILM_PORT_80_TCP_PROTO": "tcp",
        "PLAINFILM_PORT_80_TCP_PORT": "80",
        "PLAINFILM_PORT_80_TCP_ADDR": "10.0.0.1",
        "PLAINFILM_WEB_SERVICE_HOST": "10.0.0.1",
        "PATH": "x",
    }
    (warning,) = unknown_variables(environment)
    assert "PLAINFILM_WINDW" in warning
    assert "did you mean PLAINFILM_WINDOW?" in warning


@pytest.mark.parametrize(
    ("words", "flag"),
    [
        (["--memory", "10"], "--memory"),
        (["--memory", "-1GiB"], "--memory"),
        (["--timeout", "1e19"], "--timeout"),
        (["--timeout", "-1"], "--timeout"),
        (["--timeout", "nan"], "--timeout"),
        (["--timeout", "1e-9"], "--timeout"),
        (["--jobs", "0"], "--jobs"),
        (["--jobs", "1e9"], "--jobs"),
        (["--max-pixels", "-5"], "--max-pixels"),
        (["--bits", "12"], "--bits"),
        (["--window", "40,0"], "--window"),
        (["--window", "nan,1"], "--window"),
        (["--stretch", "99,1"], "--stretch"),
        (["--size", "0"], "--size"),
        (["--frames", "0"], "--frames"),
    ],
)
def test_a_value_without_sense_is_refused(words: list[str], flag: str) -> None:
    with pytest.raises(OptionsError, match=flag):
        options(*words)


@pytest.mark.parametrize(
    ("word", "similar"), [("--wndow", "--window"), ("--Look", "--look"), ("--key_file", "--key-file")]
)
def test_an_unknown_option_gets_a_suggestion(word: str, similar: str) -> None:
    with pytest.raises(OptionsError, match=rf"unknown option {word}.*did you mean {similar}\?"):
        options(word, "1,2")


def test_letters_stand_for_options() -> None:
    assert options("-j", "3", "-q").run.jobs == 3
    assert options("-j3", "-q").run.quiet
