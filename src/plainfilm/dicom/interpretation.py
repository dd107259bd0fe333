# SPDX-License-Identifier: MIT
"""Read Samples per Pixel and Photometric Interpretation, which often contradict each other or Pixel Data.

PS3.3 C.7.6.3.1.1 and C.7.6.3.1.2. Where they do, the size of Pixel Data decides if exactly one reading fits.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from plainfilm.dicom.pixel_evidence import HALVED_CHROMA, PixelEvidence
from plainfilm.dicom.values import Values
from plainfilm.errors import AttributeValueError
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass

_YBR = ("YBR_FULL", "YBR_FULL_422", "YBR_PARTIAL_420", "YBR_PARTIAL_422", "YBR_ICT", "YBR_RCT")
# Samples per Pixel of each Photometric Interpretation (PS3.3 C.7.6.3.1.2).
_SAMPLES = {**dict.fromkeys(("MONOCHROME1", "MONOCHROME2", "PALETTE COLOR"), 1), **dict.fromkeys(("RGB", *_YBR), 3)}
# Terms of the standard that are not supported; all but the last are retired.
_UNSUPPORTED = ("HSV", "ARGB", "CMYK", "XYB")
_SEPARATORS = re.compile(r"[\s_]+")
_BY_LETTERS = {_SEPARATORS.sub("", name): name for name in _SAMPLES}
_SAMPLES_KEYWORD, _KEYWORD = "SamplesPerPixel", "PhotometricInterpretation"


@dataclass(frozen=True, slots=True)
class Interpretation:
    """Samples per Pixel and Photometric Interpretation, which agree."""

    samples: int
    photometric: str


def read_interpretation(values: Values, evidence: PixelEvidence, fits: Callable[[int, bool], bool]) -> Interpretation:
    """Return Samples per Pixel and Photometric Interpretation. If one is absent or wrong, the other or the data decide.

    fits: whether Pixel Data have exactly the size of a number of samples per pixel; the second argument is whether the
    chroma may be halved.

    Raises AttributeValueError (unsupported_value).
    """
    declared, photometric = values.integer(_SAMPLES_KEYWORD), _read_photometric(values, evidence)
    if photometric and photometric not in _SAMPLES:
        # the value may be anything, even text of the patient, so only a term of the standard is quoted
        quoted = photometric if photometric in _UNSUPPORTED else None
        raise AttributeValueError(_KEYWORD, quoted, message="this interpretation is not supported")
    samples = _choose_samples(declared, photometric, evidence, fits)
    if declared is None:
        _add_assumed(
            values, FindingCode.ASSUMED_SAMPLES_PER_PIXEL, f"{_SAMPLES_KEYWORD} is missing or unusable", samples
        )
    elif declared != samples:
        note = f"{_SAMPLES_KEYWORD} {declared} contradicts Pixel Data"
        _add_assumed(values, FindingCode.ASSUMED_SAMPLES_PER_PIXEL, note, samples)
    if photometric and _SAMPLES[photometric] == samples:
        return Interpretation(samples, photometric)
    return Interpretation(samples, _assume_photometric(values, photometric, samples, evidence))


def _read_photometric(values: Values, evidence: PixelEvidence) -> str:
    """Return Photometric Interpretation in its spelling of the standard, '' if it is absent."""
    text = values.text(_KEYWORD)
    letters = _SEPARATORS.sub("", text.upper())
    if letters == "MONOCHROME":
        _add_assumed(values, FindingCode.ASSUMED_PHOTOMETRIC_INTERPRETATION, f"{_KEYWORD} has no number", "MONOCHROME2")
        return "MONOCHROME2"
    if letters == "YBRFULL420" and evidence.codestream is not None and evidence.codestream.is_dct:
        note = f"{_KEYWORD} is YBR_FULL_420, which the standard does not have"
        _add_assumed(values, FindingCode.ASSUMED_PHOTOMETRIC_INTERPRETATION, note, "YBR_FULL_422")
        return "YBR_FULL_422"
    name = _BY_LETTERS.get(letters, text.upper())
    if name != text and name in _SAMPLES:
        values.add_corrected(_KEYWORD, f"is not spelled as in the standard; taken for {name}")
    return name


def _choose_samples(
    declared: int | None, photometric: str, evidence: PixelEvidence, fits: Callable[[int, bool], bool]
) -> int:
    """Return the number of samples per pixel of the header, or the only one that Pixel Data fit."""
    expected = _SAMPLES.get(photometric)
    agreed = expected if declared is None else declared if expected in (None, declared) else None
    if agreed == 1 and evidence.codestream is None and None not in (declared, expected):
        return 1
    fitting = [samples for samples in (1, 3) if fits(samples, photometric in HALVED_CHROMA)]
    if len(fitting) == 1:
        return fitting[0]
    if agreed in (1, 3):
        return agreed
    if declared is None and expected is None:
        return 1
    message = f"{photometric} has {expected}" if expected is not None else "1 or 3 is needed"
    raise AttributeValueError(_SAMPLES_KEYWORD, declared, message=message)


def _assume_photometric(values: Values, declared: str, samples: int, evidence: PixelEvidence) -> str:
    """Return the interpretation of samples for which the header has none, or one that they cannot have."""
    photometric = "MONOCHROME2" if samples == 1 else evidence.color_space
    is_wrong = declared != "" or values.has_value(_KEYWORD)
    note = f"{_KEYWORD} {'contradicts Pixel Data' if declared else 'cannot be read' if is_wrong else 'is missing'}"
    _add_assumed(values, FindingCode.ASSUMED_PHOTOMETRIC_INTERPRETATION, note, photometric)
    if is_wrong:
        values.add_unusable(_KEYWORD, f"cannot be used; the image is displayed as {photometric}")
    return photometric


def _add_assumed(values: Values, code: FindingCode, note: str, default: object) -> None:
    values.findings.append(Finding(code, f"{note}; taken for {default}"))
