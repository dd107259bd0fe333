# SPDX-License-Identifier: MIT
"""Test `plainfilm.open`: frames are read and decoded once, and the results are those of `render` and of a run."""

from __future__ import annotations

import io
import pickle
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pydicom
import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.outputs import rows_of

import plainfilm
from plainfilm.rendering import opened_instance
from plainfilm.sources import file_reader

FRAMES = 40
HASHES = ("patient", "study", "series", "sop_instance")
SOURCES: dict[str, Callable[[Path], Any]] = {
    "path": lambda path: path,
    "text": str,
    "bytes": Path.read_bytes,
    "bytearray": lambda path: bytearray(path.read_bytes()),
    "file": lambda path: io.BytesIO(path.read_bytes()),
    "data set": pydicom.dcmread,
}


@pytest.fixture
def cine(tmp_path: Path) -> Path:
    """An image of more frames than a survey decodes."""
    film = build_case(frames=FRAMES, content="gradient", centers=(2000,), widths=(3000,))[0]
    (tmp_path / "cine.dcm").write_bytes(to_bytes(film))
    return tmp_path / "cine.dcm"


@pytest.mark.parametrize("kind", SOURCES)
def test_every_kind_of_source_gives_the_frames_of_render(kind: str, cine: Path) -> None:
    with plainfilm.open(SOURCES[kind](cine)) as image_file:
        assert image_file.frames == FRAMES
        for frame in (1, 5, FRAMES, 2):
            np.testing.assert_array_equal(image_file.render(frame=frame), plainfilm.render(cine, frame=frame))
            assert image_file.explain(frame) == plainfilm.explain(cine, frame=frame)
            assert image_file.record(frame).frame == frame
        assert image_file.explain().frame == image_file.record().frame == 1


def test_options_of_a_call_come_before_those_of_open(cine: Path) -> None:
    with plainfilm.open(cine, look="stretch", bits=16) as image_file:
        np.testing.assert_array_equal(image_file.render(3), plainfilm.render(cine, frame=3, look="stretch", bits=16))
        np.testing.assert_array_equal(
            image_file.render(3, look="minmax"), plainfilm.render(cine, frame=3, look="minmax", bits=16)
        )
        np.testing.assert_array_equal(
            image_file.render(3, size=16, bits=8), plainfilm.render(cine, frame=3, look="stretch", size=16)
        )
        assert image_file.explain(3, look="minmax").plan.look == "minmax"
        assert image_file.record(3, size=16).width == 16
        assert image_file.record(3).look == "stretch"


def test_a_file_is_read_once_and_a_frame_is_decoded_once(cine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    opened: list[Path] = []
    decode, open_source = opened_instance.decode_frame, file_reader.open_source

    def counted(*arguments: Any) -> Any:
        calls.append(arguments[3])
        return decode(*arguments)

    monkeypatch.setattr(opened_instance, "decode_frame", counted)
    monkeypatch.setattr("plainfilm.api.source.open_source", lambda path: opened.append(path) or open_source(path))
    with plainfilm.open(cine) as image_file:
        for frame in range(1, FRAMES + 1):
            image_file.record(frame)
            image_file.render(frame)
            image_file.explain(frame)
        image_file.render(5, look="stretch", bits=16)
        image_file.render(5)
    assert sorted(calls) == list(range(FRAMES))
    assert opened == [cine]


def test_a_record_is_the_row_of_a_run(cine: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"k" * 32)
    plainfilm.convert(cine, tmp_path / "out", jobs=1, key_file=tmp_path / "key", frames=7, columns="StudyDate")
    (row,) = rows_of(tmp_path / "out")
    with plainfilm.open(cine, key_file=tmp_path / "key", columns=["StudyDate"]) as image_file:
        record = image_file.record(frame=7)
    compared = {
        "sop_instance",
        "patient",
        "study",
        "series",
        "source",
        "file_name",
        "status",
        "voi",
        "decoder",
        "modality",
    }
    assert {name: str(getattr(record, name)) for name in compared} == {name: row[name] for name in compared}
    assert (record.mean, record.padding_fraction) == (float(row["mean"]), float(row["padding_fraction"]))
    assert (record.sha256, record.stored_hash, record.duplicate_of) == ("", "", "")
    assert record.carried == (row["StudyDate"],)
    with plainfilm.open(cine) as image_file:
        without_key = image_file.record(7)
    assert (without_key.patient, without_key.study, without_key.series, without_key.sop_instance) == ("", "", "", "")
    same = {field.name for field in fields(record)} - {
        "patient",
        "study",
        "series",
        "sop_instance",
        "carried",
        "findings",
    }
    assert {name: getattr(record, name) for name in same} == {name: getattr(without_key, name) for name in same}


@pytest.mark.parametrize("look", ["viewer", "stored", "stretch"])
def test_changing_a_rendered_array_does_not_change_the_next_one(look: Any, cine: Path) -> None:
    with plainfilm.open(cine.read_bytes(), look=look) as image_file:
        first = image_file.render(2)
        expected = first.copy()
        first[:] = 0
        np.testing.assert_array_equal(image_file.render(2), expected)


def test_a_color_array_is_not_shared() -> None:
    dataset, _ = build_case(bits_allocated=8, bits_stored=8, rows=4, columns=6)
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation, dataset.PlanarConfiguration = 3, "RGB", 0
    samples = np.arange(72, dtype=np.uint8).reshape(4, 6, 3)
    dataset.PixelData = samples.tobytes()
    with plainfilm.open(dataset) as image_file:
        image_file.render()[:] = 0
        np.testing.assert_array_equal(image_file.render(), samples)


def test_use_after_close_is_a_clear_error(cine: Path) -> None:
    image_file = plainfilm.open(cine)
    assert repr(image_file) == f"<plainfilm.ImageFile: {FRAMES} frames>"
    image_file.close()
    image_file.close()
    assert image_file.is_closed
    assert repr(image_file) == "<plainfilm.ImageFile: closed>"
    for use in (image_file.render, image_file.explain, image_file.record, lambda: image_file.frames):
        with pytest.raises(ValueError, match="is closed") as raised:
            use()
        assert isinstance(raised.value, plainfilm.PlainfilmError)
    with pytest.raises(TypeError, match="pickled"):
        pickle.dumps(image_file)


def test_threads_may_share_an_image_file(cine: Path) -> None:
    expected = [plainfilm.render(cine, frame=frame) for frame in range(1, FRAMES + 1)]
    with plainfilm.open(cine) as image_file, ThreadPoolExecutor(4) as pool:
        for frame, image in enumerate(pool.map(image_file.render, range(1, FRAMES + 1))):
            np.testing.assert_array_equal(image, expected[frame])


@pytest.mark.parametrize(
    ("options", "kind", "said"),
    [
        ({"lok": "viewer"}, TypeError, "did you mean look"),
        ({"jobs": 2}, TypeError, "an option of convert"),
        ({"overlays": "mask"}, plainfilm.OptionsError, 'overlays="mask"'),
        ({"look": "pretty"}, plainfilm.OptionsError, "^look: one of"),
        ({"key_file": "missing.key"}, FileNotFoundError, "missing.key"),
    ],
)
def test_wrong_options_are_an_error_of_open(options: dict[str, Any], kind: type, said: str, cine: Path) -> None:
    with pytest.raises(kind, match=said):
        plainfilm.open(cine, **options)


def test_a_wrong_frame_is_an_error(cine: Path) -> None:
    with plainfilm.open(cine) as image_file:
        for frame in (0, FRAMES + 1, -1):
            with pytest.raises(plainfilm.OptionsError, match=f"no frame {frame}: the image has {FRAMES}"):
                image_file.render(frame)
        for frame in ("1", 1.5, None):
            with pytest.raises(TypeError, match="frame must be a whole number"):
                image_file.explain(frame)  # type: ignore[arg-type]
        with pytest.raises(plainfilm.OptionsError, match="give it to open"):
            image_file.render(max_pixels=3)
