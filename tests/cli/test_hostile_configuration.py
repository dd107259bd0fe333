# SPDX-License-Identifier: MIT
"""Hostile configuration files, file names and folders end in a message, and never run code."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cases.build import build_case, to_bytes

import plainfilm
from plainfilm.cli.configuration import read_config
from plainfilm.cli.output import escape_controls
from plainfilm.errors import OptionsError
from plainfilm.options.limits import parse_seconds
from plainfilm.workers.spawn import spawn

pytestmark = pytest.mark.slow

BOMBS = {
    "nested JSON lists": '{"look": ' + "[" * 100_000 + "]" * 100_000 + "}",
    "nested JSON objects": '{"a":' * 50_000 + "1" + "}" * 50_000,
    "nested TOML lists": "look = " + "[" * 100_000 + "]" * 100_000,
    "nested TOML tables": "look = " + "{a=" * 50_000 + "1" + "}" * 50_000,
    "a key of many parts": ".".join("a" * 200_000) + " = 1",
    "a table of many parts": "[" + ".".join("a" * 200_000) + "]",
    "many keys": "\n".join(f"a{number} = 1" for number in range(200_000)),
    "a long number": '{"size": ' + "9" * 10_000 + "}",
}


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_bomb_in_a_configuration_file_ends_in_a_message(bomb: str, tmp_path: Path) -> None:
    config = tmp_path / ("run.json" if BOMBS[bomb].startswith("{") else "run.toml")
    config.write_text(BOMBS[bomb])
    with pytest.raises(OptionsError, match="run") as caught:
        read_config(config)
    assert len(caught.value.message) < 500


@pytest.mark.parametrize("value", ["1e19", "inf", "nan", "1e10", "0", "-1"])
def test_a_timeout_that_no_timer_can_hold_is_refused(value: str) -> None:
    with pytest.raises(OptionsError, match="30 days"):
        parse_seconds(value)


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("\x1b[31mred\x07", "\\x1b[31mred\\x07"),
        ("a\u202eb\u200f", "a\\u202eb\\u200f"),
        ("line\nnext\ttab", "line\nnext\ttab"),
        ("H\xe4nde \u624b \U0001f9b4", "H\xe4nde \u624b \U0001f9b4"),
        ("\udc80", "\\udc80"),
        ("\u2028", "\\u2028"),
    ],
)
def test_control_characters_never_reach_a_terminal(text: str, escaped: str) -> None:
    assert escape_controls(text) == escaped


@pytest.fixture
def trap(tmp_path: Path) -> Path:
    """A folder of the user with an image, and modules that a careless program would import from it."""
    folder = tmp_path / "trap"
    folder.mkdir()
    for module in ("logging", "json", "argparse", "numpy", "cv2", "pydicom", "imagecodecs", "xxhash"):
        (folder / f"{module}.py").write_text(f"import os\nos.write(2, b'TRAPPED {module}')\nos._exit(9)\n")
    (folder / "hand.dcm").write_bytes(to_bytes(build_case()[0]))
    return folder


@pytest.mark.parametrize(
    "words", [["convert", "hand.dcm", "hand.png"], ["convert", ".", "out"], ["explain", "hand.dcm"]]
)
def test_the_command_imports_nothing_from_the_current_folder(trap: Path, tmp_path: Path, words: list[str]) -> None:
    source = str(Path(plainfilm.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": source, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    command = [sys.executable, "-m", "plainfilm", *words]
    run = subprocess.run(command, cwd=trap, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert "TRAPPED" not in run.stderr
    assert run.returncode == 0, run.stderr


def test_workers_do_not_get_the_current_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", ["", os.curdir, *sys.path])
    captured: list[str] = []
    monkeypatch.setattr(subprocess, "Popen", lambda *_args, env, **_settings: captured.append(env["PYTHONPATH"]))
    spawn("module:task")
    assert not {"", os.curdir} & set(captured[0].split(os.pathsep))
