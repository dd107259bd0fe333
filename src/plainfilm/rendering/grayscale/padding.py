# SPDX-License-Identifier: MIT
"""Find the range of stored values that are padding (Pixel Padding Value, PS3.3 C.7.5.1.1.2)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.dicom.instance import Padding
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.stored import StoredRules

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

# Padding is ignored where it would be a larger fraction of the pixels of a frame.
MAX_PADDING_FRACTION = 0.95


@dataclass(frozen=True, slots=True)
class PaddingRange:
    """The stored values from `low` to `high`, both included, are padding.

    is_painted: whether padding is painted black; otherwise it is left out of the statistics only.
    """

    low: float
    high: float
    is_painted: bool = True

    def mask_of(self, values: Array) -> Mask:
        """Return which stored values are padding, as a mask of the same shape."""
        if values.dtype.kind == "f":
            return (values >= self.low) & (values <= self.high)
        info = np.iinfo(values.dtype)
        low, high = max(int(self.low), int(info.min)), min(int(self.high), int(info.max))
        return (values >= low) & (values <= high) if low <= high else np.zeros(values.shape, np.bool_)


@dataclass(frozen=True, slots=True)
class Loss:
    """The change of samples by an irreversible codestream. near: the largest change; 0 where no bound is known."""

    near: int = 0


def padding_range(padding: Padding, rules: StoredRules, bits_allocated: int) -> PaddingRange:
    """Return the range of padding values.

    The VR of the attributes is often wrong. Both ends are therefore taken modulo 2^Bits Allocated, read as signed where
    stored values are signed, and then put in order.
    """
    bounds = [padding.value, padding.value if padding.limit is None else padding.limit]
    if rules.is_integer:
        bounds = [_wrapped(int(bound), bits_allocated, rules.signed) for bound in bounds]
    return PaddingRange(min(bounds), max(bounds))


def masked_range(padding: Padding, rules: StoredRules, bits_allocated: int, loss: Loss | None) -> PaddingRange:
    """Return the range of stored values that are left out of the statistics.

    An irreversible codestream changes the padding, so that its exact value would be painted as speckles. Unless the
    file has a Pixel Padding Range Limit, the values near it are then left out and none is painted. loss: None for
    samples that were not changed.
    """
    exact = padding_range(padding, rules, bits_allocated)
    if loss is None or padding.limit is not None or not rules.is_integer:
        return exact
    reach = loss.near or -(-(1 << rules.bits_stored) // 256)
    return PaddingRange(exact.low - reach, exact.high + reach, is_painted=False)


def loss_of(decoded: DecodedFrame) -> Loss | None:
    """Return the loss of a decoded frame; None for a codestream, or native data, that gives the encoded samples."""
    return Loss(decoded.near) if decoded.is_irreversible else None


def _wrapped(value: int, bits: int, signed: bool) -> int:
    value %= 1 << bits
    return value - (1 << bits) if signed and value >= 1 << bits - 1 else value
