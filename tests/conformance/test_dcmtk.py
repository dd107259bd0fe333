# SPDX-License-Identifier: MIT
"""Compare the viewer look with DCMTK, an independent implementation of PS3.4 N.2: within one level.

Where the rules differ the difference is stated here, and where it can be, undone: then both agree again.
"""

from __future__ import annotations

import csv
import io
import itertools
import random
import subprocess
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import imagecodecs
import numpy as np
import pydicom
import pytest
from numpy.typing import NDArray
from pydicom.encaps import generate_frames
from pydicom.uid import ExplicitVRLittleEndian
from tests.support.cases.build import XRAY_ANGIOGRAPHY, LutSpec, build_case, to_bytes

from plainfilm.demo.dataset import write_radiographs
from plainfilm.errors import ConversionError
from plainfilm.options.options import Options
from plainfilm.rendering.grayscale.plan import GrayscalePlan
from plainfilm.rendering.instance_survey import survey_instance
from plainfilm.rendering.opened_instance import open_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame

Array = NDArray[Any]
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")
Show = Callable[..., Array | None]
JPEG_2000 = ("1.2.840.10008.1.2.4.90", "1.2.840.10008.1.2.4.91")


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture of ours, which VOI gave it, and the line that maps, if one does."""

    image: Array
    voi: str
    line: tuple[float, float] | None
    findings: frozenset[str]


def ours(content: bytes, frame: int = 1, **given: Any) -> Shown:
    options = Options.of({"pixels": "stored", **given})
    survey = survey_instance(open_instance(content, options), [frame - 1])
    planned = plan_frame(survey, frame - 1)
    assert isinstance(planned.plan, GrayscalePlan)
    findings = frozenset(finding.code.value for finding in planned.findings)
    return Shown(render_frame(planned).image, planned.plan.voi, planned.plan.line, findings)


@pytest.fixture
def theirs(dcmj2pnm: str, tmp_path: Path) -> Show:
    """What DCMTK makes of a file's bytes, or None where it refuses them; no overlays, 8 or 16 bits."""

    def show(content: bytes, *words: str, bits: int = 8, frame: int = 1) -> Array | None:
        given, made = tmp_path / "given.dcm", tmp_path / "made"
        given.write_bytes(content)
        made.unlink(missing_ok=True)
        syntax = pydicom.filereader.read_file_meta_info(given).get("TransferSyntaxUID") if _has_meta(content) else ""
        tool = str(Path(dcmj2pnm).with_name("dcml2pnm")) if syntax in JPEG_LS else dcmj2pnm
        command = [tool, "-O", *words, "+F", str(frame), "+op" if bits == 8 else "+on2", str(given), str(made)]
        subprocess.run(command, capture_output=True, check=False, timeout=60)
        return None if not made.exists() else np.asarray(cv2.imread(str(made), cv2.IMREAD_UNCHANGED))

    return show


def _has_meta(content: bytes) -> bool:
    return content[128:132] == b"DICM"


def difference(mine: Array, other: Array | None) -> int:
    """The largest difference of two pictures, in grey levels."""
    assert other is not None, "DCMTK refuses it"
    assert (mine.shape, mine.dtype) == (other.shape, other.dtype)
    return int(np.abs(mine.astype(np.int64) - other.astype(np.int64)).max())


@dataclass(frozen=True, slots=True)
class GreyFile:
    """A grey film of the catalogue; `native`: the same without its compression, where DCMTK cannot decode that."""

    name: str
    content: bytes
    native: bytes
    windowed: bool
    whole: bool
    frames: int


# films that DCMTK 3.6.7 does not show, and why
REFUSED = {
    "GH1339.dcm": "no sequence delimiter",
    "GH340.dcm": "packed cells of 12 bits",
    "JLSL_08_07_0_1F.dcm": "JPEG-LS of 7 bits in cells of 8",
    "MOVEKNEE.dcm": "its windows are in functional groups, which DCMTK does not read",
    "eCT_Supplemental.dcm": "its windows are in functional groups, which DCMTK does not read",
    "liver_deflate.dcm": "Deflated Image Frame Compression is younger than DCMTK 3.6.7",
    "liver_nonbyte_aligned_deflate.dcm": "Deflated Image Frame Compression is younger than DCMTK 3.6.7",
    "liver_rle.dcm": "RLE of single bits",
    "liver_nonbyte_aligned_rle.dcm": "RLE of single bits",
    "parametric_map.dcm": "Float or Double Float Pixel Data, or 64 bits",
    "parametric_map_double_float.dcm": "Float or Double Float Pixel Data, or 64 bits",
    "parametric_map_float.dcm": "Float or Double Float Pixel Data, or 64 bits",
}
ONE_BIT = (
    *("liver.dcm", "liver_expb.dcm", "liver_j2k.dcm", "liver_1frame.dcm", "liver_expb_1frame.dcm"),
    *("liver_nonbyte_aligned.dcm", "liver_nonbyte_aligned_j2k.dcm"),
)
# padding that lies within the window: black here, and windowed like any other value by DCMTK
PADDED = ("693_J2KI.dcm",)
# coloured by a supplemental palette, which DCMTK leaves out
SUPPLEMENTED = ("eCT_Supplemental.dcm",)
# 32 bits in big endian and VR OW: DCMTK takes the first of two words for the lower one, as PS3.5 may be read; the maker
# of these files (and pydicom) took it for the higher one, as here
WORDS_SWAPPED = ("rtdose_expb.dcm", "rtdose_expb_1frame.dcm")
# JPEG 2000 films that pydicom cannot take apart, so that there is no native copy of them
NOT_REWRITTEN = ("emri_small_jpeg_2k_lossless_too_short.dcm", "JPEG2000-embedded-sequence-delimiter.dcm")


@pytest.fixture(scope="module")
def films(film_folder: Path) -> list[GreyFile]:
    """Every grey film of the catalogue."""
    with open(film_folder / "catalog.csv", newline="", encoding="utf-8") as file:
        return [film for row in csv.DictReader(file) for film in grey_film(film_folder, row)]


def grey_film(folder: Path, row: dict[str, str]) -> Iterator[GreyFile]:
    content, name = (folder / row["file"]).read_bytes(), row["file"].rsplit("/", 1)[-1]
    try:
        instance = open_instance(content, Options()).instance
    except ConversionError:
        return
    compressed = instance.data.transfer_syntax in JPEG_2000
    if instance.pixel.is_color or name in NOT_REWRITTEN:
        return
    whole = all(float(row[name] or 0).is_integer() for name in ("RescaleSlope", "RescaleIntercept"))
    frames = instance.pixel.number_of_frames
    native = as_native(content) if compressed else content
    yield GreyFile(name, content, native, row["WindowCenter"] != "", whole, frames)


def as_native(content: bytes) -> bytes:
    """A JPEG 2000 film without compression, by another decoder than plainfilm's first choice; signed as decoded."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        dataset = pydicom.dcmread(io.BytesIO(content), force=True)
        frames = generate_frames(dataset.PixelData, number_of_frames=int(dataset.get("NumberOfFrames", 1)))
        cells = [imagecodecs.jpeg2k_decode(codestream) for codestream in frames]
        signed = cells[0].dtype.kind == "i"
        cell = f"<{'i' if signed else 'u'}{max(1, dataset.BitsAllocated // 8)}"
        data = b"".join(frame.astype(cell).tobytes() for frame in cells)
        if dataset.BitsAllocated == 1:
            flags = np.concatenate([frame.ravel() for frame in cells])
            data = np.packbits(flags, bitorder="little").tobytes()
        dataset.PixelData = data + b"\0" * (len(data) % 2)
        dataset["PixelData"].VR = "OW"
        dataset.PixelRepresentation = max(dataset.PixelRepresentation, int(signed))
        dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        buffer = io.BytesIO()
        pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def compare(
    films: list[GreyFile], theirs: Show, words: list[str], voi: str, applied: str
) -> dict[str, tuple[Array, Array]]:
    """Compare the films on which our VOI is `applied`; the pictures of those that differ by more than one level."""
    differing, compared = {}, 0
    for film in films:
        mine = ours(film.native, voi=voi)
        if mine.voi != applied:
            continue
        other = theirs(film.native, *words)
        if other is None:
            assert film.name in REFUSED, film.name
            continue
        compared += 1
        if difference(mine.image, other) > 1:
            differing[film.name] = (mine.image, other)
    assert compared >= {"window:0": 70, "lut:0": 2, "identity": 25}[applied]
    return differing


def test_windows_of_real_images_equal_dcmtk(films: list[GreyFile], theirs: Show) -> None:
    assert compare(films, theirs, ["+Wi", "1"], "window:0", "window:0") == {}


def test_voi_luts_of_real_images_equal_dcmtk(films: list[GreyFile], theirs: Show) -> None:
    assert compare(films, theirs, ["+Wl", "1"], "lut:0", "lut:0") == {}


def test_display_values_of_real_images_equal_dcmtk(films: list[GreyFile], theirs: Show) -> None:
    differing = compare(films, theirs, [], "none", "identity")
    assert set(differing) == set(ONE_BIT)
    for mine, other in differing.values():
        # DCMTK shifts up: the largest of 1 bit becomes 128 of 255
        np.testing.assert_array_equal(np.where(mine == 255, 128, 0), other)


def test_a_window_of_the_user_equals_dcmtk(films: list[GreyFile], theirs: Show) -> None:
    differing, compared = {}, 0
    for film in films:
        if film.windowed and film.native is film.content:
            continue
        line = ours(film.native, voi="none").line
        assert line is not None
        center, width = round((line[0] + line[1]) / 2), max(2, round(line[1] - line[0]))
        for frame in {1, film.frames}:
            # the compressed film itself here, and its native copy in DCMTK
            mine = ours(film.content, frame, window=(center, width))
            other = theirs(film.native, "+Ww", str(center), str(width), "+Wfl", frame=frame)
            if other is None:
                assert film.name in REFUSED, film.name
                continue
            if mine.image.ndim == 3:
                assert film.name in SUPPLEMENTED, film.name
                continue
            compared += 1
            # DCMTK makes whole numbers of the modality output first
            if difference(mine.image, other) > (1 if film.whole else 1 + 2 * 255 / (width - 1)):
                differing[film.name] = (mine.image.astype(int), other.astype(int))
    assert set(differing) == {*PADDED, *WORDS_SWAPPED}
    for name in PADDED:
        mine_padded, other_padded = differing[name]
        assert (mine_padded[np.abs(mine_padded - other_padded) > 1] == 0).all()
    assert compared > 80


def test_the_demo_images_equal_dcmtk(theirs: Show, tmp_path: Path) -> None:
    compared = []
    for path in write_radiographs(tmp_path / "films"):
        content = path.read_bytes()
        native = (
            as_native(content)
            if open_instance(content, Options()).instance.data.transfer_syntax in JPEG_2000
            else content
        )
        for voi, words in (("window:0", ["+Wi", "1"]), ("lut:0", ["+Wl", "1"])):
            mine = ours(content, voi=voi)
            if mine.voi != voi:
                continue
            other = theirs(native, *words, *(["+Mv"] if "voi_lut_bits" in mine.findings else []))
            assert other is not None
            off = np.abs(mine.image.astype(int) - other.astype(int)) > 1
            assert (mine.image[off] == 0).all(), f"{path.name}: only what is hidden is black here"
            assert not off.any() or "padding" in path.name or "shutter" in path.name
            compared.append(path.name)
    assert len(compared) == 9


# -- generated films -----------------------------------------------------------------------------------------------


PHOTOMETRIC = ("MONOCHROME1", "MONOCHROME2")
SHAPES = (None, "IDENTITY", "INVERSE")
FUNCTIONS = (None, "LINEAR", "SIGMOID")
RESCALES = ((None, None), (1, -1024), (-1, 4095), (2, 10), (0.3, -0.5))
DEPTHS = ((8, 8), (8, 6), (16, 10), (16, 12), (16, 16), (32, 24))
SIGNS = (0, 1)
CONTENTS = ("film", "border", "noise")


def some_combinations(count: int) -> list[dict[str, Any]]:
    """Parameters of films with one window each: a fixed choice among all combinations."""
    every = list(itertools.product(PHOTOMETRIC, SHAPES, FUNCTIONS, RESCALES, SIGNS, DEPTHS, CONTENTS))
    return [windowed(*combination) for combination in random.Random(20_260_101).sample(every, count)]


def windowed(
    photometric: str,
    shape: str | None,
    function: str | None,
    rescale: tuple[float | None, float | None],
    sign: int,
    depth: tuple[int, int],
    content: str,
) -> dict[str, Any]:
    allocated, stored = depth
    slope, intercept = rescale[0] or 1, rescale[1] or 0
    ends = [
        slope * value + intercept for value in ((-(2 ** (stored - 1)), 2 ** (stored - 1)) if sign else (0, 2**stored))
    ]
    span = abs(ends[1] - ends[0])
    return {
        "photometric": photometric,
        "presentation_lut_shape": shape,
        "voi_function": function,
        "slope": rescale[0],
        "intercept": rescale[1],
        "pixel_representation": sign,
        "bits_allocated": allocated,
        "bits_stored": stored,
        "content": content,
        "centers": (round(sum(ends) / 2 + 0.05 * span, 2),),
        "widths": (round(0.6 * span + 1, 2),),
    }


def polarity_of(shape: str | None) -> dict[str, str]:
    """The polarity that DCMTK takes a film for: Presentation LUT Shape wins over Photometric Interpretation."""
    return {} if shape is None else {"polarity": "monochrome1" if shape == "INVERSE" else "monochrome2"}


@pytest.mark.parametrize("bits", [8, 16])
def test_windows_of_generated_images_equal_dcmtk(bits: int, theirs: Show) -> None:
    for parameters in some_combinations(150):
        content = to_bytes(build_case(**parameters)[0])
        mine = ours(content, voi="window:0", bits=bits, **polarity_of(parameters["presentation_lut_shape"]))
        assert mine.voi == "window:0"
        (width,) = parameters["widths"]
        # DCMTK makes whole numbers of the modality output first
        allowed = 1 if parameters["slope"] != 0.3 else 1 + 2 * (2**bits - 1) / (width - 1)
        assert difference(mine.image, theirs(content, "+Wi", "1", bits=bits)) <= allowed, parameters


@pytest.mark.parametrize("photometric", PHOTOMETRIC)
def test_a_polarity_conflict_gives_the_inverse_of_dcmtk(photometric: str, theirs: Show) -> None:
    shape = "IDENTITY" if photometric == "MONOCHROME1" else "INVERSE"
    content = to_bytes(
        build_case(photometric=photometric, presentation_lut_shape=shape, centers=(2000,), widths=(3000,))[0]
    )
    mine, other = ours(content, voi="window:0"), theirs(content, "+Wi", "1")
    assert "polarity_conflict" in mine.findings
    assert difference(255 - mine.image, other) <= 1


def ramp(count: int, last: int, power: float = 1) -> tuple[int, ...]:
    return tuple(round((number / (count - 1)) ** power * last) for number in range(count))


LUTS: dict[str, tuple[LutSpec, dict[str, Any]]] = {
    "12 bits": (LutSpec(ramp(4096, 4095), 0, 12), {}),
    "12 bits, not all used": (LutSpec(ramp(4096, 4000), 0, 12), {}),
    "16 bits, a curve": (LutSpec(ramp(4096, 65535, 0.5), 0, 16), {}),
    "10 bits, falling": (LutSpec(ramp(4096, 1023)[::-1], 0, 10), {}),
    "8 bits in words": (LutSpec(ramp(4096, 255), 0, 8), {}),
    "8 bits in bytes": (LutSpec(ramp(4096, 255), 0, 8, "packed"), {}),
    "short": (LutSpec(ramp(1000, 4095), 1000, 12), {}),
    "of signed values": (LutSpec(ramp(4096, 4095), -2048, 12, descriptor_vr="SS"), {"pixel_representation": 1}),
    "of signed values, VR US": (LutSpec(ramp(4096, 4095), -2048, 12), {"pixel_representation": 1}),
    "of rescaled values": (LutSpec(ramp(4096, 4095), -1024, 12, descriptor_vr="SS"), {"slope": 1, "intercept": -1024}),
    "65,536 entries": (LutSpec(ramp(65536, 65535), 0, 16), {"bits_stored": 16}),
}


@pytest.mark.parametrize("photometric", PHOTOMETRIC)
@pytest.mark.parametrize("name", LUTS)
def test_voi_luts_of_generated_images_equal_dcmtk(name: str, photometric: str, theirs: Show) -> None:
    lut, parameters = LUTS[name]
    content = to_bytes(build_case(voi_luts=(lut,), photometric=photometric, **parameters)[0])
    for bits in (8, 16):
        mine = ours(content, voi="lut:0", bits=bits)
        assert mine.voi == "lut:0"
        # DCMTK shifts n bits up to 16, so that its white is up to 2^(16 - n) - 1 darker
        allowed = max(1, 2 ** (bits - lut.bits)) if bits > lut.bits else 1
        assert difference(mine.image, theirs(content, "+Wl", "1", bits=bits)) <= allowed


@pytest.mark.parametrize("lut", [LutSpec(ramp(4096, 4095), 0, 16), LutSpec(ramp(4096, 2047), 0, 12)])
def test_a_voi_lut_with_fewer_bits_than_declared_is_compared_with_dcmtk(lut: LutSpec, theirs: Show) -> None:
    content = to_bytes(build_case(voi_luts=(lut,))[0])
    mine = ours(content, voi="lut:0")
    assert "voi_lut_bits" in mine.findings
    assert difference(mine.image, theirs(content, "+Wl", "1")) > 100, "DCMTK believes the descriptor"
    assert difference(mine.image, theirs(content, "+Wl", "1", "+Mv")) <= 1, "unless it is told not to"


MODALITY_LUTS: dict[str, tuple[LutSpec, dict[str, Any]]] = {
    "16 bits, a curve": (LutSpec(ramp(4096, 65535, 0.5), 0, 16), {"centers": (30000,), "widths": (40000,)}),
    "12 bits, falling": (LutSpec(ramp(4096, 4095)[::-1], 0, 12), {}),
    "of signed values": (LutSpec(ramp(4096, 4095), -2048, 12, descriptor_vr="SS"), {"pixel_representation": 1}),
    "short": (LutSpec(ramp(1000, 4095), 1000, 12), {}),
    "beside a rescale": (LutSpec(ramp(4096, 4095)[::-1], 0, 12), {"slope": 2, "intercept": 3}),
    "of an angiogram": (LutSpec(ramp(4096, 4095)[::-1], 0, 12), {"sop_class": XRAY_ANGIOGRAPHY}),
}
ODDITIES: dict[str, dict[str, Any]] = {
    "width 1": {"widths": (1,)},
    "width 2": {"widths": (2,)},
    "width 1.5": {"centers": (2000.5,), "widths": (1.5,)},
    "unknown function": {"voi_function": "BOGUS"},
    "empty function": {"voi_function": ""},
    "high bit above": {"high_bit": 15},
    "junk above Bits Stored": {"above": "all"},
    "sign not extended": {"above": "zero", "pixel_representation": 1, "centers": (0,)},
    "rescale of an angiogram": {"slope": 2, "intercept": -100, "sop_class": XRAY_ANGIOGRAPHY},
    "excess Pixel Data": {"excess": 10},
    "padding that is the lowest value": {"padding": 122, "content": "border"},
    "32 bits": {"bits_allocated": 32, "bits_stored": 32, "centers": (2**31,), "widths": (2**31,)},
}


@pytest.mark.parametrize("name", [*MODALITY_LUTS, *ODDITIES])
def test_modality_luts_and_oddities_of_generated_images_equal_dcmtk(name: str, theirs: Show) -> None:
    lut, parameters = MODALITY_LUTS.get(name, (None, ODDITIES.get(name, {})))
    content = to_bytes(build_case(**{"centers": (2000,), "widths": (3000,), "modality_lut": lut, **parameters})[0])
    for bits in (8, 16):
        mine = ours(content, voi="window:0", bits=bits)
        assert mine.voi == "window:0"
        assert difference(mine.image, theirs(content, "+Wi", "1", bits=bits)) <= 1


@pytest.mark.parametrize("stored", [1, 2, 6, 7, 8])
def test_display_values_of_generated_images_equal_dcmtk(stored: int, theirs: Show) -> None:
    allocated = 1 if stored == 1 else 8
    content = to_bytes(build_case(bits_allocated=allocated, bits_stored=stored, content="noise")[0])
    mine = ours(content, voi="none")
    assert mine.voi == "identity"
    # DCMTK shifts n bits up to 8
    assert difference(mine.image, theirs(content)) <= max(1, 2 ** (8 - stored) - 1)


def without(content: bytes, **changed: Any) -> bytes:
    """A film with other attributes; None takes one out."""
    dataset = pydicom.dcmread(io.BytesIO(content))
    for keyword, value in changed.items():
        if value is None:
            delattr(dataset, keyword)
        else:
            setattr(dataset, keyword, value)
    return to_bytes(dataset)


@pytest.mark.parametrize(
    ("parameters", "undone"),
    [
        # the function is younger than DCMTK 3.6.7, which takes it for LINEAR
        ({"voi_function": "LINEAR_EXACT", "widths": (10,)}, {"VOILUTFunction": "LINEAR"}),
        # a slope of 0 means no rescale at all to DCMTK, and a slope of 1 here
        ({"slope": 0, "intercept": 50, "widths": (300,)}, {"RescaleSlope": None, "RescaleIntercept": None}),
        # padding is windowed and inverted like any other value by DCMTK, and black here
        ({"padding": 122, "content": "border", "photometric": "MONOCHROME1"}, {"PixelPaddingValue": None}),
        # values above Bits Stored are cut off by DCMTK, and kept here where the header says that they are meant
        ({"largest": 9000, "ends": (0, 9000), "widths": (9000,)}, {"LargestImagePixelValue": None}),
    ],
)
def test_images_equal_dcmtk_after_removal_of_the_disputed_attribute(
    parameters: dict[str, Any], undone: dict[str, Any], theirs: Show
) -> None:
    content = to_bytes(build_case(**{"centers": (2000,), "widths": (3000,), **parameters})[0])
    other = theirs(content, "+Wi", "1")
    assert difference(ours(content, voi="window:0").image, other) > 2
    assert difference(ours(without(content, **undone), voi="window:0").image, other) <= 1


@pytest.mark.parametrize("width", [0, -100, 0.5])
def test_an_unusable_window_is_not_used(width: float, theirs: Show) -> None:
    content = to_bytes(build_case(centers=(2000,), widths=(width,))[0])
    mine, other = ours(content, voi="window:0"), theirs(content, "+Wi", "1")
    assert {"voi_degenerate", "window_linear_exact"} & mine.findings
    assert other is None or difference(mine.image, other) > 1
