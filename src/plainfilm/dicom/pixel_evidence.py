# SPDX-License-Identifier: MIT
"""What Pixel Data themselves show of the image: the length of native data, the components of a codestream."""

from __future__ import annotations

from plainfilm.dicom.codestream_header import CodestreamHeader
from plainfilm.dicom.instance import ImagePixel
from plainfilm.pickling import dataclass

HALVED_CHROMA = ("YBR_FULL_422", "YBR_PARTIAL_422")
"""The interpretations with two samples per pixel in native data (PS3.3 C.7.6.3.1.2)."""


@dataclass(frozen=True, slots=True)
class PixelEvidence:
    """What Pixel Data show. native_length: in bytes, None if they are encapsulated."""

    native_length: int | None = None
    codestream: CodestreamHeader | None = None

    @property
    def components(self) -> int | None:
        """The components of the codestream, None if it does not say or if there is none."""
        return None if self.codestream is None else self.codestream.components

    @property
    def color_space(self) -> str:
        """The Photometric Interpretation that three components have if the header does not say."""
        return "YBR_FULL_422" if self.codestream is not None and self.codestream.is_dct else "RGB"


@dataclass(frozen=True, slots=True)
class FrameShape:
    """The size of all frames of an instance."""

    rows: int
    columns: int
    frames: int

    def fits(self, evidence: PixelEvidence, samples: int, bits: int, *, halved: bool = False) -> bool:
        """Whether Pixel Data have exactly the size of `samples` per pixel of `bits` allocated each.

        A codestream that says its components fits any number of bits. halved: whether the chroma may be halved.
        """
        if evidence.components is not None:
            return evidence.components == samples
        if evidence.codestream is not None and evidence.codestream.segments is not None:
            return evidence.codestream.segments * 8 == samples * bits
        if evidence.native_length is None:
            return False
        if evidence.native_length in self._lengths(samples * bits):
            return True
        return samples == 3 and halved and evidence.native_length in self._lengths(2 * bits)

    def _lengths(self, bits_per_pixel: int) -> tuple[int, ...]:
        """Return the lengths of native data: without padding, with one pad byte, and with one for every odd frame."""
        frame_bits = self.rows * self.columns * bits_per_pixel
        length = (frame_bits * self.frames + 7) // 8
        if frame_bits % 16 != 8:
            return length, length + length % 2
        return length, length + length % 2, length + self.frames


def has_native_length(pixel: ImagePixel, evidence: PixelEvidence) -> bool:
    """Whether Pixel Data have exactly the length of native data of an image."""
    shape = FrameShape(pixel.rows, pixel.columns, pixel.number_of_frames)
    is_halved = pixel.photometric_interpretation in HALVED_CHROMA
    return shape.fits(evidence, pixel.samples_per_pixel, pixel.bits_allocated, halved=is_halved)
