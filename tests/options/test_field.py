# SPDX-License-Identifier: MIT
"""A new option is one new field: every part of plainfilm that handles options finds it there."""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from tests.support.cases.build import build_case, to_bytes

import plainfilm
from plainfilm.cli.arguments import Parser, add_options, options_of, parse
from plainfilm.cli.main import main
from plainfilm.conversion.pseudonyms import load_key
from plainfilm.conversion.summary import Counts, Run, fingerprint_run, run_json
from plainfilm.errors import OptionsError, Reason
from plainfilm.options.field import FREE, Scope, ValueType, limit, option
from plainfilm.options.limits import LimitOptions
from plainfilm.options.options import Options
from plainfilm.options.render import RenderOptions
from plainfilm.options.value_types import parse_number
from plainfilm.options.write_keywords import KEYWORDS_FILE, keywords_source

NUMBER = ValueType(parse_number, "NUMBER", "float")


@dataclass(frozen=True, slots=True)
class RenderOptionsWithGamma(RenderOptions):
    gamma: float = option(1.0, NUMBER, "the exponent of the curve")


@dataclass(frozen=True, slots=True)
class LimitOptionsWithMore(LimitOptions):
    patience: float = option(1.0, NUMBER, "a limit", scope=Scope.RUN, resume=limit(Reason.NETWORK))
    comment: str = option("", ValueType(str, "TEXT", "str"), "a text", scope=Scope.RUN, resume=FREE, is_recorded=False)


@pytest.fixture(autouse=True)
def new_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options with three fields that no code knows."""
    groups = {group.name: group for group in fields(Options)}
    monkeypatch.setattr(groups["render"], "default", RenderOptionsWithGamma())
    monkeypatch.setattr(groups["limits"], "default", LimitOptionsWithMore())


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "hand.dcm").write_bytes(to_bytes(build_case()[0]))
    return tmp_path / "hand.dcm"


def options(*words: str, environment: dict[str, str] | None = None) -> Options:
    parser = Parser(prog="plainfilm test")
    add_options(parser, Options.declared())
    return options_of(parse(parser, words), environment or {})


def gamma_of(options: Options) -> float:
    assert isinstance(options.render, RenderOptionsWithGamma)
    return options.render.gamma


@pytest.mark.parametrize("command", ["convert", "explain", "demo"])
def test_the_help_of_the_commands_shows_a_new_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main([command, "--help-all"])
    text = " ".join(capsys.readouterr().out.split())
    assert "--gamma NUMBER the exponent of the curve (default: 1.0)" in text
    assert ("--patience" in text) is (command != "explain")


def test_the_command_line_the_environment_and_a_file_accept_a_new_option(tmp_path: Path) -> None:
    (tmp_path / "options.toml").write_text("gamma = 3.5\n")
    assert gamma_of(options()) == 1.0
    assert gamma_of(options("--gamma", "2.5")) == 2.5
    assert gamma_of(options("--config", str(tmp_path / "options.toml"))) == 3.5
    assert gamma_of(options(environment={"PLAINFILM_GAMMA": "4.5"})) == 4.5


def test_a_message_about_a_value_begins_with_the_name_of_the_option() -> None:
    with pytest.raises(OptionsError, match=r"^--gamma: 'much' is not a number$"):
        Options.of({"gamma": "much"})


def test_the_python_functions_accept_a_new_option_where_it_applies(path: Path) -> None:
    np.testing.assert_array_equal(plainfilm.render(path, gamma=2.5), plainfilm.render(path))  # type: ignore[call-overload]
    assert str(plainfilm.explain(path, gamma=2.5))  # type: ignore[call-arg]
    with pytest.raises(OptionsError, match="patience"):
        plainfilm.render(path, patience=2.5)  # type: ignore[call-overload]


def test_run_json_records_a_new_option_unless_its_field_says_otherwise() -> None:
    run = Run(Counts(1, 0, 0, 0), 1.0)
    text = run_json(run, Options.of({"gamma": 2.5, "comment": "private"}), "0" * 16, datetime.now(UTC))
    recorded = json.loads(text)["options"]
    assert (recorded["gamma"], recorded["patience"]) == (2.5, 1.0)
    assert "comment" not in recorded
    assert gamma_of(Options.of(recorded)) == 2.5


def test_the_fingerprint_of_a_run_follows_the_fields(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"k" * 32)
    key = load_key(tmp_path / "key")
    usual, other = (
        fingerprint_run(Options.of(values), key) for values in ({}, {"gamma": 2, "patience": 2, "comment": "x"})
    )
    assert usual.differences(other) == ["--gamma: 2.0 there, 1.0 now"]
    assert usual.changed_limits(other) == ["patience"]


def test_the_types_of_the_python_keywords_contain_a_new_option() -> None:
    assert "    gamma: float\n" in keywords_source()
    assert keywords_source() != KEYWORDS_FILE.read_text(encoding="utf-8")
