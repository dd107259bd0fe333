# SPDX-License-Identifier: MIT
"""Every version of a native decoder that is bundled with a dependency was reviewed, and its known faults have guards.

A new version fails `test_a_bundled_version_was_reviewed` until it is added to REVIEWED, with the faults that it has.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import imagecodecs
import PIL.features
import pytest
from openjpeg.utils import get_openjpeg_version

from plainfilm.decode.codecs import codecs_of

TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, slots=True)
class Fault:
    """A known fault of a library, in the versions that match `versions`, and the test of the guard that covers it.

    guard: path of the test below tests/ and its name, separated by `::`.
    """

    library: str
    versions: str
    description: str
    guard: str


# Where the versions of the libraries inside the wheels are found.
BUNDLED: dict[str, tuple[str, Callable[[], str]]] = {
    "pylibjpeg-openjpeg": ("openjpeg", lambda: ".".join(map(str, get_openjpeg_version()))),
    "imagecodecs jpeg2k": ("openjpeg", imagecodecs.jpeg2k_version),
    "Pillow jpg_2000": ("openjpeg", lambda: str(PIL.features.version("jpg_2000"))),
    "imagecodecs jpegls": ("charls", imagecodecs.jpegls_version),
    "imagecodecs jpeg8": ("libjpeg-turbo", imagecodecs.jpeg8_version),
    "imagecodecs htj2k": ("openjph", imagecodecs.htj2k_version),
    "imagecodecs jpegxl": ("libjxl", imagecodecs.jpegxl_version),
}

REVIEWED: dict[str, str] = {
    "openjpeg": r"2\.5\.[0-4]",
    "charls": r"2\.4\.[1-4]",
    "libjpeg-turbo": r"3\.1\.\d+",
    "openjph": r"0\.2\d\.\d+",
    "libjxl": r"0\.11\.\d+",
}

FAULTS = (
    Fault(
        "openjpeg",
        r"2\.5\.[0-4]",
        "tile-parts whose numbers contradict one another: a write past a heap block",
        "decode/test_tile_parts.py::test_counts_that_contradict_the_parts_or_one_another_are_corrupt",
    ),
    Fault(
        "openjpeg",
        r"2\.5\.[0-4]",
        "a codestream cut at the end of a packet, with repaired lengths, decodes without an error",
        "decode/test_packets.py::test_a_codestream_cut_at_the_end_of_a_packet_is_rejected",
    ),
    Fault(
        "openjpeg",
        r"2\.5\.[0-4]",
        "missing tiles are filled without an error",
        "decode/test_tile_parts.py::test_a_missing_tile_is_truncated_data",
    ),
    Fault(
        "charls",
        r"2\.4\.\d",
        "a scan that lacks its last bits is filled with zeros without an error",
        "decode/test_jpeg.py::test_jpegls_without_its_last_byte_is_never_decoded_as_complete",
    ),
    Fault(
        "libjpeg-turbo",
        r"3\.\d+\.\d+",
        "a lossless scan that ends too early is filled without an error",
        "decode/test_jpeg_lossless.py::test_a_truncated_scan_is_detected_even_if_the_image_hardly_changes",
    ),
    Fault(
        "libjpeg-turbo",
        r"3\.\d+\.\d+",
        "damage inside a 12-bit scan is only a warning, which imagecodecs drops",
        "decode/test_completeness.py::test_damage_inside_a_12_bit_scan_is_noticed",
    ),
    Fault(
        "libjpeg-turbo",
        r"3\.\d+\.\d+",
        "a progressive image without its last scans decodes without an error",
        "decode/test_completeness.py::test_a_progressive_image_needs_all_of_its_scans",
    ),
    Fault(
        "openjph",
        r"0\.\d+\.\d+",
        "truncated codestreams are kept: the library only compares (--verify)",
        "decode/test_bundled_libraries.py::test_openjph_decodes_no_image",
    ),
)


def version_of(bundle: str) -> str:
    """The number in what a library says of its version."""
    match = re.search(r"\d+(\.\d+)+", BUNDLED[bundle][1]())
    assert match, f"{bundle} does not tell its version"
    return match[0]


@pytest.mark.parametrize("bundle", BUNDLED)
def test_a_bundled_version_was_reviewed(bundle: str) -> None:
    library, version = BUNDLED[bundle][0], version_of(bundle)
    assert re.fullmatch(REVIEWED[library], version), f"{library} {version} in {bundle}: review its known faults"


@pytest.mark.parametrize("fault", FAULTS, ids=[f"{fault.library}: {fault.description}" for fault in FAULTS])
def test_a_known_fault_has_a_guard(fault: Fault) -> None:
    bundles = [bundle for bundle, (library, _) in BUNDLED.items() if library == fault.library]
    assert any(re.fullmatch(fault.versions, version_of(bundle)) for bundle in bundles), "no bundled version has it"
    path, name = fault.guard.split("::")
    assert re.search(rf"^def {name}", (TESTS / path).read_text(encoding="utf-8"), re.MULTILINE), "the guard is gone"


def test_openjph_decodes_no_image() -> None:
    for number in (201, 202, 203):
        for row in codecs_of(f"1.2.840.10008.1.2.4.{number}"):
            assert row.decode_function.split(":")[0] == "jpeg2000"
    source = (TESTS.parent / "src" / "plainfilm" / "decode" / "jpeg2000.py").read_text(encoding="utf-8")
    assert "htj2k_decode" not in source
