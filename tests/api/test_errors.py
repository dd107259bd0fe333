# SPDX-License-Identifier: MIT
"""Test that errors fit Python: their classes, their wording, their attributes, and that they can be pickled."""

from __future__ import annotations

import copy
import errno
import io
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from tests.support.cases.build import build_case, to_bytes

import plainfilm
from plainfilm import errors
from plainfilm.errors import PlainfilmError
from plainfilm.options.wording import python_wording

FUNCTIONS: list[Callable[..., Any]] = [plainfilm.render, plainfilm.explain, plainfilm.open]


@pytest.fixture
def film(tmp_path: Path) -> Path:
    (tmp_path / "hand.dcm").write_bytes(to_bytes(build_case(centers=(2000,), widths=(3000,))[0]))
    return tmp_path / "hand.dcm"


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("isolated", [False, True])
def test_a_path_that_cannot_be_opened_is_the_os_error_that_callers_expect(
    function: Callable[..., Any], isolated: bool, film: Path
) -> None:
    options = {"isolated": True} if isolated else {}
    if isolated and function is not plainfilm.render:
        pytest.skip("only render() has this parameter")
    cases = [
        (film.with_name("missing.dcm"), FileNotFoundError, errno.ENOENT),
        (film / "below.dcm", NotADirectoryError, errno.ENOTDIR),
        (film.parent, IsADirectoryError, errno.EISDIR),
    ]
    for path, kind, number in cases:
        with pytest.raises(kind) as raised:
            function(path, **options)
        error = raised.value
        assert isinstance(error, plainfilm.ConversionError)
        assert (error.errno, error.filename) == (number, str(path))
        assert error.stage == "read"
        assert error.reason in ("unreadable", "source_changed")
        assert str(error).startswith(f"{path}: ")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="every file can be read by this user")
def test_a_file_without_permission_is_a_permission_error(film: Path) -> None:
    film.chmod(0)
    with pytest.raises(PermissionError) as raised:
        plainfilm.render(film)
    assert isinstance(raised.value, plainfilm.ConversionError)


def test_places_of_a_run_that_cannot_be_used_are_os_errors(film: Path, tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    cases: list[tuple[type[OSError], Any, dict[str, Any]]] = [
        (FileNotFoundError, tmp_path / "out", {"key_file": tmp_path / "no.key"}),
        (FileNotFoundError, tmp_path / "out", {"key_file": key, "redact_from": tmp_path / "no.csv"}),
        (FileNotFoundError, tmp_path / "out", {"key_file": key, "presentation": tmp_path / "no.dcm"}),
        (FileNotFoundError, tmp_path / "out", {"key_file": key, "log": tmp_path / "no" / "run.log"}),
        (IsADirectoryError, tmp_path / "out", {"key_file": tmp_path}),
        (NotADirectoryError, key, {"key_file": key}),
        (NotADirectoryError, film / "out", {"key_file": key}),
        (FileNotFoundError, tmp_path / "no" / "hand.png", {}),
    ]
    for kind, out, options in cases:
        with pytest.raises(kind) as raised:
            plainfilm.convert(film, out, jobs=1, **options)
        assert isinstance(raised.value, plainfilm.PlainfilmError)
        assert raised.value.reason
    with pytest.raises(FileNotFoundError) as missing:
        plainfilm.convert(tmp_path / "missing", tmp_path / "out")
    assert isinstance(missing.value, plainfilm.RunError)
    assert (missing.value.errno, missing.value.filename) == (errno.ENOENT, str(tmp_path / "missing"))


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("wrong", [None, 3, 1.5, np.zeros((4, 4)), ["hand.dcm"], io.StringIO("text"), object()])
def test_a_source_of_a_wrong_type_is_a_type_error(function: Callable[..., Any], wrong: Any) -> None:
    with pytest.raises(TypeError) as raised:
        function(wrong)
    assert isinstance(raised.value, plainfilm.PlainfilmError)
    assert raised.value.reason == "options"
    assert str(raised.value).startswith("source must be ")


def test_arguments_of_convert_of_a_wrong_type_are_type_errors(film: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cases: list[tuple[Any, Any, dict[str, Any]]] = [
        (None, out, {}),
        (3, out, {}),
        (film.read_bytes(), out, {}),
        ([None], out, {}),
        (pydicom.dcmread(film), out, {}),
        (film, None, {}),
        (film, 3, {}),
        (film, out, {"progress": "json"}),
        (film, out, {"verbose": True}),
    ]
    for sources, target, options in cases:
        with pytest.raises(TypeError):
            plainfilm.convert(sources, target, **options)
    assert not out.exists()


@pytest.mark.parametrize(
    ("function", "keyword", "said"),
    [
        (plainfilm.render, "stretsh", r"render\(\) has no option 'stretsh'; did you mean stretch\?"),
        (plainfilm.explain, "Look", "did you mean look"),
        (plainfilm.open, "max-pixels", "did you mean max_pixels"),
        (plainfilm.render, "jobs", "it is an option of convert"),
        (plainfilm.render, "verbose", "it is an option of the command line"),
        (plainfilm.render, "xyzzy", "has no option 'xyzzy'$"),
    ],
)
def test_an_unknown_keyword_is_a_type_error_with_a_suggestion(
    function: Callable[..., Any], keyword: str, said: str, film: Path
) -> None:
    with pytest.raises(TypeError, match=said):
        function(film, **{keyword: "viewer"})


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("; --strict forbids this repair", "; strict=True forbids this repair"),
        ("--strict and --allow-truncated contradict", "strict=True and allow_truncated=True contradict"),
        ("--presentation contradicts --look viewer", 'presentation contradicts look="viewer"'),
        ("--presentation contradicts --voi lut:1", 'presentation contradicts voi="lut:1"'),
        ("the limit of --timeout", "the limit of timeout"),
        ("than the 1 MiB that --memory allows", "than the 1 MiB that memory allows"),
        ("--fit pad needs --size WxH", 'fit="pad" needs size="WxH"'),
        ("give --redact-unmatched ignore", 'give redact_unmatched="ignore"'),
        ("--look: one of viewer, stretch", "look: one of viewer, stretch"),
        ("not --an-option, a--b, (--memory)", "not --an-option, a--b, (memory)"),
    ],
)
def test_messages_spell_options_as_python_does(message: str, expected: str) -> None:
    assert python_wording(message) == expected


def test_the_command_spells_options_as_the_command_line_does(film: Path) -> None:
    film.write_bytes(to_bytes(build_case(centers=(1e6,), widths=(10,))[0]))
    for command in (["explain", str(film)], ["convert", str(film), "-"]):
        done = subprocess.run(
            [sys.executable, "-m", "plainfilm", *command, "--strict"], capture_output=True, text=True, check=False
        )
        assert "--strict forbids this repair" in done.stderr
    with pytest.raises(plainfilm.ConversionError, match=f"^{film}: .*strict=True forbids this repair") as raised:
        plainfilm.render(film, strict=True)
    assert "--" not in raised.value.message


def error_classes() -> list[type[PlainfilmError]]:
    return [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PlainfilmError)]


@pytest.mark.parametrize("kind", error_classes())
def test_every_error_can_be_pickled_and_copied(kind: type[PlainfilmError]) -> None:
    error = kind("Rows", 3, message="too few") if kind is errors.AttributeValueError else kind("what is wrong")
    error.path = "hand.dcm"
    error.add_note("a note")
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert vars(twin) == vars(error)
        assert (str(twin), repr(twin), twin.args) == (str(error), repr(error), error.args)


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
def test_an_os_error_keeps_its_class_and_attributes_in_a_pickle(protocol: int, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as raised:
        plainfilm.render(tmp_path / "missing.dcm")
    error = raised.value
    twin = pickle.loads(pickle.dumps(error, protocol))
    assert type(twin) is type(error)
    assert isinstance(twin, plainfilm.ConversionError)
    assert (str(twin), twin.errno, twin.filename) == (str(error), error.errno, error.filename)
    script = "import pickle, sys; error = pickle.load(sys.stdin.buffer); print(type(error).__mro__, error.errno, error)"
    done = subprocess.run([sys.executable, "-c", script], input=pickle.dumps(error), capture_output=True, check=True)
    assert b"FileNotFoundError" in done.stdout
    assert b"missing.dcm: " in done.stdout


def test_a_dry_run_converts_nothing_and_lists_what_would_be_done(film: Path, tmp_path: Path) -> None:
    (film.parent / "in").mkdir()
    film.rename(film.parent / "in" / "hand.dcm")
    (film.parent / "in" / "notes.txt").write_text("no film")
    key = tmp_path / "key"
    key.write_bytes(b"k" * 32)
    out = tmp_path / "out"
    run = plainfilm.convert(film.parent / "in", out, dry_run=True, key_file=key)
    assert not out.exists()
    assert run.planned is not None
    assert [(planned.source, planned.action, planned.name) for planned in run.planned] == [
        ("hand.dcm", "convert", "hand"),
        ("notes.txt", "not_dicom", ""),
    ]
    assert (run.converted, run.failed, run.exit_code) == (0, 0, 0)
    whole = plainfilm.convert(film.parent / "in", out, jobs=1, key_file=key)
    assert (whole.converted, whole.planned) == (1, None)
    again = plainfilm.convert(film.parent / "in", out, dry_run=True, key_file=key)
    assert again.planned is not None
    assert [planned.action for planned in again.planned] == ["done", "done"]
    single = plainfilm.convert(film.parent / "in" / "hand.dcm", tmp_path / "hand.png", dry_run=True)
    assert single.planned is not None
    assert not (tmp_path / "hand.png").exists()


@pytest.mark.slow
def test_an_image_file_as_out_does_what_the_command_does(
    film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home"))
    reports: list[plainfilm.RunProgress] = []
    run = plainfilm.convert(film, tmp_path / "python.png", look="stretch", progress=reports.append)
    assert (run.converted, run.exit_code, [report.converted for report in reports]) == (1, 0, [1])
    command = ["convert", str(film), str(tmp_path / "command.png"), "--look", "stretch"]
    subprocess.run([sys.executable, "-m", "plainfilm", *command], check=True, capture_output=True)
    assert (tmp_path / "python.png").read_bytes() == (tmp_path / "command.png").read_bytes()
    assert not (tmp_path / "home").exists(), "a single image needs no key"
    cut = tmp_path / "cut.dcm"
    cut.write_bytes(film.read_bytes()[:-10])
    with pytest.raises(plainfilm.ConversionError, match=r"cut\.dcm: ") as raised:
        plainfilm.convert(cut, tmp_path / "cut.png")
    assert raised.value.reason == "truncated_pixel_data"
    assert not (tmp_path / "cut.png").exists()
    with pytest.raises(plainfilm.OptionsError, match="standard output"):
        plainfilm.convert(film, "-")
    film.rename(tmp_path / "film.png")
    with pytest.raises(plainfilm.OptionsError, match="same file"):
        plainfilm.convert(tmp_path / "film.png", tmp_path / "film.png")
    with pytest.raises(plainfilm.OptionsError, match="one image"):
        plainfilm.convert([cut, cut], tmp_path / "two.png")


def test_the_class_of_an_error_can_be_pickled_to_a_process_that_has_not_made_it(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        plainfilm.render(tmp_path / "none.dcm")
    script = f"import pickle; print(issubclass(pickle.loads({pickle.dumps(caught.type)!r}), FileNotFoundError))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "True\n"
