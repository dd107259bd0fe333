# SPDX-License-Identifier: MIT
"""Test the Python API: every kind of input gives the same image, and nothing else is changed."""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from copy import deepcopy
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pydicom
import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.oracle import oracle
from tests.support.outputs import rows_of

import plainfilm

FILM: dict[str, Any] = {"centers": (2000, 900), "widths": (1500, 100), "slope": 1, "intercept": -100}
SOURCES: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "text": str,
    "bytes": Path.read_bytes,
    "file": lambda path: io.BytesIO(path.read_bytes()),
    "data set": pydicom.dcmread,
    "data set that was not read": lambda _: build_case(**FILM)[0],
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "hand.dcm").write_bytes(to_bytes(build_case(**FILM)[0]))
    return tmp_path / "hand.dcm"


@pytest.fixture
def key(tmp_path: Path) -> Path:
    (tmp_path / "key").write_bytes(b"k" * 32)
    return tmp_path / "key"


@pytest.mark.parametrize("kind", SOURCES)
def test_an_image_is_rendered_alike_from_every_kind_of_input(kind: str, path: Path) -> None:
    expected = oracle.render(*build_case(**FILM)).image
    shown = plainfilm.render(SOURCES[kind](path))
    assert shown.dtype == np.uint8
    np.testing.assert_array_equal(shown, expected)
    explained = plainfilm.explain(SOURCES[kind](path)).to_dict()
    assert (explained["voi"], explained["low"]) == ("window:0", 1250.0)


@pytest.mark.parametrize(
    ("given", "meaning"),
    [
        ({"look": "stretch", "bits": 16}, {"look": "stretch", "bits": 16}),
        ({"window": (-600, 1500)}, {"window": (-600, 1500, "linear")}),
        ({"window": (900, 400.5, "sigmoid")}, {"window": (900, 400.5, "sigmoid")}),
        ({"window": "900,400.5,linear-exact"}, {"window": (900, 400.5, "linear-exact")}),
        ({"stretch": (5, 50, "all")}, {"look": "stretch", "stretch": (5, 50, True)}),
        ({"voi": "window:1", "polarity": "monochrome1"}, {"voi": "window:1", "polarity": "monochrome1"}),
        ({"look": "stored"}, {"look": "stored"}),
    ],
)
def test_options_mean_the_same_as_on_the_command_line(
    given: dict[str, Any], meaning: dict[str, Any], path: Path
) -> None:
    expected = oracle.render(*build_case(**FILM), **meaning).image
    shown = plainfilm.render(path, **given)
    assert shown.dtype == expected.dtype
    np.testing.assert_array_equal(shown, expected)


def test_a_rendered_array_belongs_to_the_caller(path: Path) -> None:
    for look in ("viewer", "stretch", "minmax", "equalize", "clahe", "stored"):
        shown = plainfilm.render(path, look=look)
        assert shown.flags.writeable
        assert shown.flags.c_contiguous
        assert shown.dtype.isnative


def test_a_color_image_has_three_samples() -> None:
    dataset, _ = build_case(bits_allocated=8, bits_stored=8, rows=4, columns=6)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    samples = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    dataset.PixelData = samples.tobytes()
    np.testing.assert_array_equal(plainfilm.render(dataset), samples)


def test_pixels_are_made_square_by_default() -> None:
    dataset, _ = build_case(rows=32, columns=48)
    dataset.PixelSpacing = ["0.3", "0.1"]
    assert plainfilm.render(dataset).shape == (96, 48)
    assert plainfilm.render(dataset, pixels="stored").shape == (32, 48)


def test_a_frame_is_counted_from_1() -> None:
    dataset, cells = build_case(frames=3, content="gradient")
    for frame in (1, 2, 3):
        expected = oracle.render(dataset, cells, frame=frame).image
        np.testing.assert_array_equal(plainfilm.render(dataset, frame=frame), expected)
        assert plainfilm.explain(dataset, frame=frame).to_dict()["frame"] == frame
    for frame in (0, 4, -1):
        with pytest.raises(plainfilm.OptionsError, match="frame"):
            plainfilm.render(dataset, frame=frame)


@pytest.mark.parametrize("codestream", [None, (12, False), (12, None)])
def test_a_data_set_is_not_changed(codestream: tuple[int, bool | None] | None) -> None:
    content = to_bytes(build_case(**FILM, codestream=codestream)[0])
    dataset = pydicom.dcmread(io.BytesIO(content))
    before, untouched = deepcopy(dataset), pydicom.dcmread(io.BytesIO(content))
    for look in ("viewer", "stretch", "clahe", "stored"):
        plainfilm.render(dataset, look=look)
        plainfilm.explain(dataset, look=look)
    assert dataset == before == untouched
    assert dataset.file_meta == before.file_meta
    assert vars(dataset).keys() == vars(before).keys()
    buffer = io.BytesIO()
    dataset.save_as(buffer)
    assert buffer.getvalue() == content


def test_a_data_set_in_another_encoding_is_rendered(tmp_path: Path) -> None:
    dataset, cells = build_case(**FILM)
    expected = oracle.render(dataset, cells).image
    big = tmp_path / "big.dcm"
    dataset.file_meta.TransferSyntaxUID = pydicom.uid.ExplicitVRBigEndian
    dataset.PixelData = cells.astype(">u2").tobytes()
    pydicom.dcmwrite(big, dataset, enforce_file_format=True)
    np.testing.assert_array_equal(plainfilm.render(pydicom.dcmread(big)), expected)
    np.testing.assert_array_equal(plainfilm.render(big), expected)


def test_an_explanation_is_available_as_text_and_as_a_dictionary(path: Path) -> None:
    explanation = plainfilm.explain(path)
    text, content = str(explanation), explanation.to_dict()
    assert json.loads(json.dumps(content)) == content
    assert "Window Center" in text
    assert [step.name for step in explanation.steps] == [step["name"] for step in content["steps"]]
    assert all(step.does in text for step in explanation.steps)
    assert "not for diagnostic use" in text


@pytest.mark.parametrize(
    ("change", "reason", "stage"),
    [
        (lambda _: b"", "empty", "read"),
        (lambda _: b"no film" * 50, "not_dicom", "read"),
        (lambda content: content[:-10], "truncated_pixel_data", "read"),
        (lambda content: content.replace(b"MONOCHROME2", b"MONOCHROME3"), "unsupported_value", "read"),
    ],
)
def test_an_error_has_a_reason_and_a_stage(
    change: Callable[[bytes], bytes], reason: str, stage: str, path: Path
) -> None:
    for door in (plainfilm.render, plainfilm.explain):
        with pytest.raises(plainfilm.PlainfilmError) as raised:
            door(change(path.read_bytes()))
        assert isinstance(raised.value, plainfilm.ConversionError)
        assert (raised.value.reason, raised.value.stage) == (reason, stage)
        assert raised.value.reason in plainfilm.Reason
        assert str(raised.value)


def test_a_repair_is_refused_on_request() -> None:
    dataset, _ = build_case(centers=(1e6,), widths=(10,))
    assert plainfilm.explain(dataset).to_dict()["status"] == "repaired"
    with pytest.raises(plainfilm.ConversionError) as raised:
        plainfilm.render(dataset, strict=True)
    assert (raised.value.reason, raised.value.stage) == ("repair_refused", "render")


def test_a_missing_path_is_unreadable(tmp_path: Path) -> None:
    with pytest.raises(plainfilm.ConversionError) as raised:
        plainfilm.render(tmp_path / "missing.dcm")
    assert (raised.value.reason, raised.value.stage) == ("unreadable", "read")


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"look": "pretty"}, "^look: "),
        ({"bits": 12}, "^bits: "),
        ({"window": (40, 80), "look": "stretch"}, "contradicts"),
        ({"frames": 2}, "frames"),
        ({"jobs": 2}, "jobs"),
        ({"lok": "stretch"}, "lok"),
    ],
)
def test_wrong_options_are_an_immediate_error(given: dict[str, Any], said: str, path: Path) -> None:
    for door in (plainfilm.render, plainfilm.explain):
        with pytest.raises(plainfilm.OptionsError, match=said):
            door(path, **given)


def test_a_run_returns_its_counts(path: Path, key: Path, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path.rename(tmp_path / "in" / "hand.dcm")
    (tmp_path / "in" / "notes.txt").write_text("no film")
    (tmp_path / "in" / "short.dcm").write_bytes((tmp_path / "in" / "hand.dcm").read_bytes()[:-10])
    run = plainfilm.convert([str(tmp_path / "in")], str(tmp_path / "out"), look="stretch", jobs=1, key_file=key)
    assert isinstance(run, plainfilm.Run)
    assert (run.converted, run.failed, run.skipped, run.exit_code, run.interrupted) == (1, 1, 1, 1, False)
    (row,) = rows_of(tmp_path / "out")
    assert (row["file_name"], row["look"]) == ("hand.png", "stretch")
    shown = cv2.imread(str(tmp_path / "out" / "hand.png"), cv2.IMREAD_UNCHANGED)
    np.testing.assert_array_equal(shown, plainfilm.render(tmp_path / "in" / "hand.dcm", look="stretch"))


@pytest.mark.slow
def test_sources_may_be_one_or_many(path: Path, key: Path, tmp_path: Path) -> None:
    plainfilm.convert(path, tmp_path / "one", jobs=1, key_file=key)
    plainfilm.convert((source for source in [path]), tmp_path / "many", jobs=1, key_file=str(key))
    assert rows_of(tmp_path / "one") == rows_of(tmp_path / "many")


def test_a_run_that_cannot_go_on_raises(path: Path, key: Path, tmp_path: Path) -> None:
    with pytest.raises(plainfilm.RunError) as raised:
        plainfilm.convert([tmp_path / "missing"], tmp_path / "out", key_file=key)
    assert (raised.value.reason, raised.value.stage) == ("source_missing", "list")
    with pytest.raises(plainfilm.RunError, match="give overwrite=True"):
        plainfilm.convert(path, tmp_path, key_file=key)
    with pytest.raises(plainfilm.OptionsError, match="lok"):
        plainfilm.convert(path, tmp_path / "out", lok="stretch")  # type: ignore[call-arg]


ODD = {
    # what other libraries would quote when they complain of it: keyword, how it is written, what it is said to be
    "PatientAge": ("LO", "AS", "quoted years"),
    "StudyDate": ("LO", "DA", "quoted date"),
    "PatientWeight": ("LO", "DS", "quoted kg, in many more than sixteen characters"),
    "SeriesNumber": ("LO", "IS", "quoted"),
    "StudyInstanceUID": ("LO", "UI", "quoted.uid"),
    "PixelSpacing": ("LO", "DS", "quoted"),
    "RescaleType": ("LO", "LO", "quoted" * 20),
    "BodyPartExamined": ("LO", "CS", "quoted body part, too long"),
    "PatientName": ("LO", "PN", "quoted^" * 9),
}


def odd_film() -> bytes:
    """A film that other libraries have much to say about."""
    dataset, _ = build_case(**FILM)
    for keyword, (written, _, text) in ODD.items():
        dataset.add_new(keyword, written, text)
    content = to_bytes(dataset)
    for keyword, (written, said, _) in ODD.items():
        tag = pydicom.tag.Tag(keyword)
        head = tag.group.to_bytes(2, "little") + tag.element.to_bytes(2, "little")
        assert head + written.encode() in content
        content = content.replace(head + written.encode(), head + said.encode())
    return content


@pytest.mark.slow
@pytest.mark.filterwarnings("always")
def test_nothing_is_printed_warned_or_logged(
    key: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        content = odd_film()
    dataset = pydicom.dcmread(io.BytesIO(content))
    (tmp_path / "odd.dcm").write_bytes(content)
    caplog.clear()
    caplog.set_level(logging.DEBUG)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        for source in (content, dataset, tmp_path / "odd.dcm"):
            plainfilm.render(source)
            str(plainfilm.explain(source, look="stretch"))
        for cut in range(100, len(content), 100):
            with pytest.raises(plainfilm.PlainfilmError) as raised:
                plainfilm.render(content[:cut])
            assert "quoted" not in str(raised.value).lower()
        plainfilm.convert(tmp_path / "odd.dcm", tmp_path / "out", jobs=1, key_file=key)
    shown = capfd.readouterr()
    assert (shown.out, shown.err) == ("", "")
    assert [str(warning.message) for warning in warned] == []
    assert "quoted" not in caplog.text.lower()


def surroundings() -> dict[str, Any]:
    """What a library has no business to change."""
    return {
        "filters": list(warnings.filters),
        "signals": [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)],
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "errors": np.geterr(),
        "threads": cv2.getNumThreads(),
        "loggers": [
            (logger.level, [*logger.handlers, *logger.filters])
            for logger in (logging.root, logging.getLogger("pydicom"))
        ],
        "pydicom": {
            name: value
            for name, value in vars(pydicom.config).items()
            if isinstance(value, (bool, int, str)) and not name.startswith("__")
        },
        "validation": (
            pydicom.config.settings.reading_validation_mode,
            pydicom.config.settings.writing_validation_mode,
        ),
        "path": list(sys.path),
    }


def test_global_state_of_the_process_is_not_changed(path: Path, key: Path, tmp_path: Path) -> None:
    before = surroundings()
    plainfilm.render(path)
    str(plainfilm.explain(path))
    plainfilm.convert(path, tmp_path / "out", jobs=1, key_file=key)
    with pytest.raises(plainfilm.PlainfilmError):
        plainfilm.render(b"no film")
    assert surroundings() == before


def test_threads_may_render_concurrently(path: Path) -> None:
    content, before = path.read_bytes(), surroundings()
    expected, patience = plainfilm.render(content), sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(8) as pool:
            for shown in pool.map(lambda _: plainfilm.render(content), range(200)):
                np.testing.assert_array_equal(shown, expected)
    finally:
        sys.setswitchinterval(patience)
    assert surroundings() == before


def test_a_run_may_be_made_from_a_thread(path: Path, key: Path, tmp_path: Path) -> None:
    runs: list[plainfilm.Run] = []
    thread = threading.Thread(
        target=lambda: runs.append(plainfilm.convert(path, tmp_path / "out", jobs=1, key_file=key))
    )
    thread.start()
    thread.join(60)
    assert [run.converted for run in runs] == [1]


@pytest.mark.slow
def test_a_script_without_a_main_guard_may_convert(path: Path, key: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import sys\n"
        "import plainfilm\n"
        "source, out, key = sys.argv[1:]\n"
        "run = plainfilm.convert([source], out, jobs=2, key_file=key)\n"
        "print(run.converted, run.failed)\n"
    )
    command = [sys.executable, str(script), str(path), str(tmp_path / "out"), str(key)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert (done.stdout, done.stderr) == ("1 0\n", "")


def test_the_public_names_exist_and_importing_them_is_cheap() -> None:
    assert {"render", "explain", "convert", "Run", "Explanation", "PlainfilmError"} <= set(plainfilm.__all__)
    assert set(plainfilm.__all__) <= set(dir(plainfilm))
    assert all(hasattr(plainfilm, name) for name in plainfilm.__all__)
    with pytest.raises(AttributeError, match="no_such_name"):
        plainfilm.no_such_name  # noqa: B018
    for name in ("plainfilm", "plainfilm.cli.main", "plainfilm.cli.convert"):
        code = f"import sys, {name}; print([heavy for heavy in ('numpy', 'pydicom', 'cv2') if heavy in sys.modules])"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        assert done.stdout == "[]\n", name


TYPED = """
from pathlib import Path
import numpy
import numpy.typing
import plainfilm
from pydicom import dcmread
image: numpy.typing.NDArray[numpy.uint8] = plainfilm.render("hand.dcm", look="stretch", crop=(1, 2, 30, 40))
deep: numpy.typing.NDArray[numpy.uint16] = plainfilm.render("hand.dcm", look="stretch", bits=16)
stored: numpy.typing.NDArray[numpy.uint16] = plainfilm.render("hand.dcm", look="stored")
rows: int = image.shape[0]
mean: float = float(numpy.mean(plainfilm.render(dcmread("hand.dcm"), frame=2, window=(40, 80))))
text: str = str(plainfilm.explain(Path("hand.dcm"), window="40,80,sigmoid"))
run: plainfilm.Run = plainfilm.convert(["in/", Path("more")], "out/", look="viewer", jobs=8)
count: int = run.converted + run.failed
def show(progress: plainfilm.RunProgress) -> None:
    files: int = progress.files
plainfilm.convert("in", "out", progress=show, dry_run=True)
with plainfilm.open("cine.dcm", look="stretch", key_file="key") as image_file:
    frames: int = image_file.frames
    first = image_file.render(frame=2, size=512)
    voi: str = image_file.record(2).voi
    name: str = image_file.explain().steps[0].name
for record, array in plainfilm.iterate(["in/"], jobs=2, frames="first"):
    if array is not None:
        shape: tuple[int, ...] = array.shape
    source: str = record.source
try:
    plainfilm.render(b"")
except plainfilm.PlainfilmError as error:
    reason: plainfilm.Reason = error.reason
"""
MISTYPED = """
import numpy
import numpy.typing
import plainfilm
plainfilm.render(3)
plainfilm.render("hand.dcm", jobs=2)
plainfilm.render("hand.dcm", bits="8")
plainfilm.convert("in", "out", loook="viewer")
text: str = plainfilm.render("hand.dcm")
plainfilm.render("hand.dcm", look="pretty")
deep: numpy.typing.NDArray[numpy.uint16] = plainfilm.render("hand.dcm")
image: numpy.typing.NDArray[numpy.uint8] = plainfilm.render("hand.dcm", bits=16)
stored: numpy.typing.NDArray[numpy.uint8] = plainfilm.render("hand.dcm", look="stored")
plainfilm.explain("hand.dcm", overlays="on")
plainfilm.convert("in", "out", frames=True, names="key")
plainfilm.iterate("in", names="hash")
plainfilm.open("hand.dcm", jobs=2)
plainfilm.convert("in", "out", progress="json")
plainfilm.iterate(None)
"""


@pytest.mark.slow
def test_the_public_api_is_typed(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    pytest.importorskip("mypy")
    (tmp_path / "typed.py").write_text(TYPED)
    (tmp_path / "mistyped.py").write_text(MISTYPED)
    cache = str(pytestconfig.cache.mkdir("mypy")) if pytestconfig.cache is not None else os.devnull
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", cache]
    done = subprocess.run(
        [*command, "typed.py", "mistyped.py"], cwd=tmp_path, capture_output=True, text=True, check=False, timeout=300
    )
    errors = [line.partition(": error:")[0] for line in done.stdout.splitlines() if ": error:" in line]
    assert list(dict.fromkeys(errors)) == [f"mistyped.py:{line}" for line in range(5, 20)], done.stdout
