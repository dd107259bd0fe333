# SPDX-License-Identifier: MIT
"""Build a pydicom Dataset and its pixel cells from a `Spec`."""

from __future__ import annotations

from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pydicom
from openjpeg.utils import encode_array
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.encaps import encapsulate
from pydicom.sequence import Sequence
from pydicom.uid import UID, ExplicitVRLittleEndian, JPEG2000Lossless, JPEGLosslessSV1
from tests.support.cases.pixels import Array, make_content, make_floats
from tests.support.cases.spec import GroupSpec, LutSpec, ShutterSpec, Spec

ROOT = "1.2.826.0.1.3680043.8.498"


def build(spec: Spec) -> tuple[Dataset, Array]:
    """The Dataset, with file meta information, and the raw cells (frames, rows, columns)."""
    raw = _raw(spec)
    dataset = Dataset()
    dataset.SOPClassUID, dataset.SOPInstanceUID = spec.sop_class, f"{ROOT}.1.{spec.seed + 1}"
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID = f"{ROOT}.2", f"{ROOT}.3"
    dataset.Modality, dataset.PatientID = "DX", "SYNTHETIC"
    _add_image(dataset, spec)
    _add_group(dataset, spec.top, dataset)
    _add_functional_groups(dataset, spec)
    _add_padding(dataset, spec)
    _add_shutter(dataset, spec.shutter)
    for number, position in enumerate(spec.overlay_positions):
        _add_overlay(dataset, spec, 0x6000 + 2 * number, position)
    _add_pixels(dataset, spec, raw)
    return dataset, raw


def to_bytes(dataset: Dataset) -> bytes:
    """The Dataset as a DICOM file, in the transfer syntax of its file meta information (explicit little endian)."""
    buffer = BytesIO()
    pydicom.dcmwrite(buffer, dataset, enforce_file_format=True)
    return buffer.getvalue()


def _raw(spec: Spec) -> Array:
    shape = (spec.frames, spec.rows, spec.columns)
    if spec.floating is not None:
        return _floats(spec, shape)
    low, high = spec.range
    ends = spec.ends or (low + 0.03 * (high - low), low + 0.9 * (high - low))
    values = make_content(spec.content, shape, (int(ends[0]), int(ends[1])), spec.seed)
    if spec.codestream is not None:
        precision, says_signed = spec.codestream
        wide = 8 if spec.bits_allocated == 8 else 16
        return values.astype(f"int{wide}") if says_signed else (values & (2**precision - 1)).astype(f"uint{wide}")
    cells = (values.astype(object) & (2 ** (spec.bits_allocated - spec.shift) - 1)).astype(np.uint64) << np.uint64(
        spec.shift
    )
    return _with_junk(spec, cells).astype(f"uint{max(8, spec.bits_allocated)}")


def _floats(spec: Spec, shape: tuple[int, int, int]) -> Array:
    values = make_floats(spec.content, shape, spec.ends or (-3.5, 812.25), spec.seed).astype(f"float{spec.floating}")
    rng = np.random.default_rng(spec.seed)
    for _ in range(spec.not_finite):
        place = tuple(int(rng.integers(size)) for size in shape)
        values[place] = rng.choice([np.nan, np.inf, -np.inf])
    return values


def _with_junk(spec: Spec, cells: Array) -> Array:
    keep = np.uint64((2**spec.bits - 1) << spec.shift)
    if spec.above == "none":
        return cells
    if spec.above == "zero":
        return cells & keep
    rng = np.random.default_rng(spec.seed)
    junk = rng.integers(0, 2**spec.bits_allocated, size=cells.shape, dtype=np.uint64, endpoint=False) & ~keep
    where = rng.random(cells.shape) < (0.02 if spec.above == "some" else 1)
    return np.where(where, (cells & keep) | junk, cells)


def _add_image(dataset: Dataset, spec: Spec) -> None:
    dataset.Rows, dataset.Columns, dataset.BitsAllocated = spec.rows, spec.columns, spec.bits_allocated
    optional: dict[str, Any] = {
        "SamplesPerPixel": spec.samples,
        "PhotometricInterpretation": spec.photometric,
        "PresentationLUTShape": spec.presentation_lut_shape,
        "NumberOfFrames": spec.frames if spec.frames > 1 else None,
    }
    if spec.floating is None:
        high_bit = spec.bits - 1 if spec.high_bit == -1 else spec.high_bit
        optional |= {"BitsStored": spec.bits_stored, "HighBit": high_bit}
        optional |= {"PixelRepresentation": spec.pixel_representation}
    for keyword, value in optional.items():
        if value is not None:
            setattr(dataset, keyword, value)
    if spec.largest is not None:
        dataset.add_new("LargestImagePixelValue", "US" if spec.largest >= 0 else "SS", spec.largest)


def _decimal(value: float | str) -> str:
    """A decimal string of at most 16 characters."""
    return value if isinstance(value, str) else f"{value:.9g}"


def _add_group(dataset: Dataset, group: GroupSpec, top: Dataset) -> None:
    """The attributes of a level; within functional groups they go to their sequences."""
    transformation = dataset if dataset is top else Dataset()
    voi = dataset if dataset is top else Dataset()
    for keyword, value in (("RescaleSlope", group.slope), ("RescaleIntercept", group.intercept)):
        if value is not None:
            setattr(transformation, keyword, _decimal(value))
    if group.modality_lut is not None:
        transformation.ModalityLUTSequence = Sequence([_lut_item(group.modality_lut)])
    for keyword, numbers in (("WindowCenter", group.centers), ("WindowWidth", group.widths)):
        if numbers:
            setattr(voi, keyword, [_decimal(number) for number in numbers])
    if group.voi_function is not None:
        voi.VOILUTFunction = group.voi_function
    if group.explanations:
        voi.WindowCenterWidthExplanation = list(group.explanations)
    if group.voi_luts:
        voi.VOILUTSequence = Sequence([_lut_item(lut) for lut in group.voi_luts])
    if dataset is not top:
        for keyword, item in (("PixelValueTransformationSequence", transformation), ("FrameVOILUTSequence", voi)):
            if len(item):
                setattr(dataset, keyword, Sequence([item]))


def _lut_item(lut: LutSpec) -> Dataset:
    item = Dataset()
    declared = len(lut.entries) if lut.declared is None else lut.declared
    numbers = [number % 65536 for number in (declared, lut.first, lut.bits)]
    if lut.descriptor_vr == "SS":
        numbers = [number - 65536 if number >= 32768 else number for number in numbers]
    item.add_new("LUTDescriptor", lut.descriptor_vr, numbers)
    packed = lut.layout.startswith("packed")
    data = np.array(lut.entries).astype("<u1" if packed else "<u2").tobytes()
    data += b"\0" * (len(data) % 2)
    if lut.layout.endswith("us"):
        item.add_new("LUTData", "US", np.frombuffer(data, "<u2").tolist())
    else:
        item.add_new("LUTData", "OW", data)
    if lut.explanation is not None:
        item.LUTExplanation = lut.explanation
    return item


def _add_functional_groups(dataset: Dataset, spec: Spec) -> None:
    def item(group: GroupSpec) -> Dataset:
        built = Dataset()
        _add_group(built, group, dataset)
        return built

    if spec.shared is not None:
        dataset.SharedFunctionalGroupsSequence = Sequence([item(spec.shared)])
    if spec.per_frame:
        dataset.PerFrameFunctionalGroupsSequence = Sequence([item(group) for group in spec.per_frame])


def _add_padding(dataset: Dataset, spec: Spec) -> None:
    kind = {None: "", 32: "Float", 64: "DoubleFloat"}[spec.floating]
    right = {None: "SS" if spec.pixel_representation == 1 else "US", 32: "FL", 64: "FD"}[spec.floating]
    vr = spec.padding_vr or right
    for name, value in (("Value", spec.padding), ("RangeLimit", spec.padding_limit)):
        if value is None:
            continue
        number: float = value
        if vr in ("US", "SS"):
            number = int(value) % 65536
            number = number - 65536 if vr == "SS" and number >= 32768 else number
        dataset.add_new(f"{kind}PixelPadding{name}", vr, number)


def _add_shutter(dataset: Dataset, shutter: ShutterSpec | None) -> None:
    if shutter is None:
        return
    dataset.ShutterShape = list(shutter.shapes)
    if "RECTANGULAR" in shutter.shapes:
        for name, edge in zip(("LeftV", "RightV", "UpperHoriz", "LowerHoriz"), shutter.edges, strict=True):
            full = name + ("ertical" if name.endswith("V") else "ontal")
            setattr(dataset, f"Shutter{full}Edge", str(edge))
    if "CIRCULAR" in shutter.shapes:
        dataset.CenterOfCircularShutter = [str(number) for number in shutter.circle[:2]]
        dataset.RadiusOfCircularShutter = str(shutter.circle[2])
    if "POLYGONAL" in shutter.shapes:
        dataset.VerticesOfThePolygonalShutter = [str(number) for number in shutter.vertices]
    if shutter.level is not None:
        dataset.ShutterPresentationValue = shutter.level


def _add_overlay(dataset: Dataset, spec: Spec, group: int, position: int) -> None:
    """An overlay in the unused bits of the pixel data (retired, and still about)."""
    for element, vr, value in (
        (0x0010, "US", spec.rows),
        (0x0011, "US", spec.columns),
        (0x0040, "CS", "G"),
        (0x0050, "SS", [1, 1]),
        (0x0100, "US", spec.bits_allocated),
        (0x0102, "US", position),
    ):
        dataset.add_new((group, element), vr, value)


def _add_pixels(dataset: Dataset, spec: Spec, raw: Array) -> None:
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    if spec.codestream is not None:
        syntax, frames = _encode(spec.codestream, raw)
        dataset.file_meta.TransferSyntaxUID = syntax
        dataset.PixelData = encapsulate(frames)
        dataset["PixelData"].VR = "OB"
        return
    data = raw.astype(raw.dtype.newbyteorder("<")).tobytes()
    if spec.bits_allocated == 1:
        data = np.packbits(raw.reshape(-1), bitorder="little").tobytes()
    data += b"\0" * spec.excess
    data += b"\0" * (len(data) % 2)
    if spec.floating is None:
        dataset.add_new("PixelData", "OB" if spec.bits_allocated <= 8 else "OW", data)
    elif spec.floating == 32:
        dataset.add_new("FloatPixelData", "OF", data)
    else:
        dataset.add_new("DoubleFloatPixelData", "OD", data)


def _encode(codestream: tuple[int, bool | None], raw: Array) -> tuple[UID, list[bytes]]:
    """JPEG 2000, which says whether it is signed; JPEG Lossless, which cannot say."""
    precision, says_signed = codestream
    if says_signed is None:
        return JPEGLosslessSV1, [
            bytes(imagecodecs.jpeg8_encode(frame, lossless=True, bitspersample=precision)) for frame in raw
        ]
    return JPEG2000Lossless, [encode_array(frame, bits_stored=precision, photometric_interpretation=2) for frame in raw]
