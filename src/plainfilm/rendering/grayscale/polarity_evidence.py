# SPDX-License-Identifier: MIT
"""Find evidence that the bones of a radiograph are dark: in the header, and in a small sample of the picture.

Directly exposed air is black in a correct picture, and the margin that a collimator covers is white. The rules, and
how often they are right, are in docs/decisions/polarity.md. The evidence never changes a picture.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from plainfilm.dicom.instance import Description, Instance
from plainfilm.findings import Finding, FindingCode
from plainfilm.pickling import dataclass
from plainfilm.rendering.grayscale.histogram import histogram_of
from plainfilm.rendering.grayscale.plan import GrayscalePlan, lookup_image, masked_pixels
from plainfilm.rendering.grayscale.stored import stored_values
from plainfilm.rendering.grayscale.survey import SurveyedFrame
from plainfilm.rendering.grayscale.transform import StoredLook
from plainfilm.rendering.masks import FrameMasks
from plainfilm.rendering.pixels import PlannedGrayscale

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]

# Fluoroscopy and angiography (XA, RF) are left out: it is usual to display them with dark vessels and bones.
_RADIOGRAPHS = frozenset(("CR", "DX", "IO", "MG", "PX", "RG"))
_CHESTS, _FRONTAL_VIEWS = frozenset(("CHEST", "THORAX")), frozenset(("", "AP", "PA"))
_SAMPLES_PER_SIDE, _MIN_SAMPLES = 96, 1024
_CONTRAST_PERCENTILES, _MIN_CONTRAST = (1, 99), 0.1
_SEED_REACH, _GAP = 3, 2
# In shares of the contrast: the distance from one end up to which a sample is at this end, the distance of the samples
# behind the edge of a collimated field, and the distance of the samples two behind the edge of skin.
_AT_END, _BEHIND_FIELD_EDGE, _BEHIND_SKIN = 0.12, 0.8, (0.22, 0.6)
# Ranges of the distance from a plateau, in samples: two behind its edge, and further on.
_NEAR, _FAR = (1.5, 2.5), ((2.5, 4.0), (4.0, 8.0))
_MIN_RING = 10
_MIN_PLATEAU, _MIN_AIR = 0.02, 0.08
# A collimated field fills more of the smallest rectangle or circle around it than anatomy does.
_MAX_SHARE_OF_RECTANGLE, _MAX_SHARE_OF_CIRCLE = 0.9, 0.9
# Parts of a frontal chest, as shares of the frame (first and last row, first and last column), and the least difference
# of their levels.
_LUNGS = ((0.25, 0.6, 0.2, 0.38), (0.25, 0.6, 0.62, 0.8))
_SPINE, _ABDOMEN, _MIN_DIFFERENCE = (0.25, 0.6, 0.46, 0.56), (0.85, 0.97, 0.3, 0.7), 0.15


@dataclass(frozen=True, slots=True)
class _Sample:
    """Every n-th pixel of every n-th row. levels: 0 to 1 over the contrast. masked: pixels that do not count."""

    levels: Array
    masked: Mask


@dataclass(frozen=True, slots=True)
class _Plateau:
    """The samples at one end of the contrast (0 or 1) that are connected to the margin.

    share: of the frame. outside: margin and plateau. depth: of each sample outside of these, the distance from the
    plateau in samples; 0 for the others. difference: of each sample, the distance of its level from the end.
    """

    end: int
    share: float
    outside: Mask
    depth: Array
    difference: Array


def polarity_findings(
    instance: Instance, pixels: PlannedGrayscale, samples: Array, masks: FrameMasks
) -> tuple[Finding, ...]:
    """Return a finding if the bones of a planned radiograph are dark as far as the header or the picture shows.

    samples: the decoded samples of the frame.
    """
    plan = pixels.plan
    is_judged = not isinstance(plan.transform, StoredLook) and plan.supplement is None
    if instance.description.modality not in _RADIOGRAPHS or not is_judged:
        return ()
    reasons = _header_reasons(instance, plan, pixels.surveyed_frame)
    reasons += _picture_reasons(instance.description, _sample_of(pixels, samples, masks))
    return (Finding(FindingCode.POLARITY_DOUBTFUL, "; ".join(reasons)),) if reasons else ()


def _header_reasons(instance: Instance, plan: GrayscalePlan, frame: SurveyedFrame) -> list[str]:
    """Compare the direction of the whole transform with Pixel Intensity Relationship Sign (PS3.3 C.8.11.3.1.2)."""
    sign, values = instance.intensity_relationship_sign, frame.valid.values
    if sign not in (1, -1) or values.size < 2:
        return []
    first, last = (int(level) for level in plan.transform.apply(values[[0, -1]], 65535))
    if first == last or (last > first) == (sign == -1):
        return []
    end = "smaller" if sign == 1 else "larger"
    return [f"Pixel Intensity Relationship Sign {sign} says that bones have {end} values, which are dark here"]


def _picture_reasons(description: Description, sample: _Sample | None) -> list[str]:
    if sample is None:
        return []
    if description.body_part in _CHESTS and description.view_position in _FRONTAL_VIEWS:
        return ["the spine and the abdomen are darker than both lungs"] if _has_dark_spine(sample) else []
    return ["the air around the anatomy is white"] if _has_white_air(sample) else []


def _sample_of(pixels: PlannedGrayscale, samples: Array, masks: FrameMasks) -> _Sample | None:
    """The sample of a frame; None if too few pixels count, or if they have too little contrast."""
    plan = pixels.plan
    step = max(1, -(-max(samples.shape) // _SAMPLES_PER_SIDE))
    grid = (slice(step // 2, None, step), slice(step // 2, None, step))
    stored = stored_values(plan.rules, np.ascontiguousarray(samples[grid]))
    unavailable, outside = (None if mask is None else mask[grid] for mask in (masks.unavailable, masks.outside_shutter))
    masked = masked_pixels(plan, stored, FrameMasks(unavailable, outside))
    if masked.size - np.count_nonzero(masked) < _MIN_SAMPLES:
        return None
    levels = cv2.medianBlur(_levels_of_sample(pixels, stored), 3)
    histogram = histogram_of(levels[~masked])  # a third of the time of numpy.percentile, for the same results
    low, high = histogram.percentiles(_CONTRAST_PERCENTILES)
    if high - low < _MIN_CONTRAST * 255:
        return None
    # of each level, not of each sample: there are fewer of them
    shares = (np.arange(256, dtype=np.uint8) - np.float32(low)) / np.float32(high - low)
    return _Sample(shares.clip(0, 1).take(levels), masked)


def _levels_of_sample(pixels: PlannedGrayscale, stored: Array) -> Array:
    """The levels, 0 to 255, of stored values; padding has the level that any other pixel of its value would have."""
    plan, entries = pixels.plan, pixels.entries
    if entries is None or entries.dtype != np.uint8 or plan.padding is not None:
        return plan.transform.apply(stored, 255).astype(np.uint8)
    return lookup_image(stored, entries).array()


def _has_white_air(sample: _Sample) -> bool:
    """Whether there is white air and no black air, at the edge of the frame or inside a margin at the other end."""
    edge = _edge_of(sample.levels.shape)
    seeds = edge | _grown(sample.masked, 1) if sample.masked.any() else edge
    black, white = _plateau(sample, 0, seeds, sample.masked), _plateau(sample, 1, seeds, sample.masked)
    return _is_air(sample, white, black) and not _is_air(sample, black, white)


@lru_cache(8)
def _edge_of(shape: tuple[int, int]) -> Mask:
    """The samples at the edge of a frame."""
    edge = np.ones(shape, np.bool_)
    edge[1:-1, 1:-1] = False
    return edge


def _is_air(sample: _Sample, outer: _Plateau | None, margin: _Plateau | None) -> bool:
    """Whether an outer plateau is air, or one inside a margin. margin: the outer plateau at the other end."""
    if outer is not None and _fades_into_anatomy(outer):
        return True
    if margin is None or not _is_field_edge(margin):
        return False
    inner = _plateau(sample, 1 - margin.end, _grown(margin.outside, _SEED_REACH), margin.outside)
    return inner is not None and _fades_into_anatomy(inner)


def _plateau(sample: _Sample, end: int, seeds: Mask, margin: Mask) -> _Plateau | None:
    """The connected samples at an end that touch the seeds; None if there are few of them."""
    difference = np.abs(sample.levels - end)
    at_end = (difference < _AT_END) & ~sample.masked
    touching = seeds & at_end
    if not touching.any():
        return None
    count, labels = cv2.connectedComponents(at_end.view(np.uint8), connectivity=4)
    touches = np.zeros(count, np.bool_)
    touches[labels[touching]] = True
    plateau = touches.take(labels)
    share = np.count_nonzero(plateau) / plateau.size
    if share < _MIN_PLATEAU:
        return None
    closed = cv2.morphologyEx((plateau | margin).view(np.uint8), cv2.MORPH_CLOSE, _square(_GAP))
    outside: Mask = closed.view(np.bool_)
    depth = cv2.distanceTransform((~plateau).view(np.uint8), cv2.DIST_L2, 3)
    depth[outside] = 0
    return _Plateau(end, share, outside, depth, difference)


def _is_field_edge(plateau: _Plateau) -> bool:
    """Whether the samples behind the edge of a plateau are at the other end: the plateau is then no air."""
    differences = [_difference(plateau, limits) for limits in _FAR]
    return all(difference is None or difference >= _BEHIND_FIELD_EDGE for difference in differences) and any(
        differences
    )


def _fades_into_anatomy(plateau: _Plateau) -> bool:
    """Whether a plateau fades into anatomy as air does into skin, and the anatomy has not the shape of a field."""
    if plateau.share < _MIN_AIR:
        return False
    difference = _difference(plateau, _NEAR)
    if difference is None or not _BEHIND_SKIN[0] <= difference <= _BEHIND_SKIN[1] or _is_field_edge(plateau):
        return False
    contours, _ = cv2.findContours((~plateau.outside).view(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    if not contours:
        return False
    anatomy = max(contours, key=cv2.contourArea)
    # a contour runs through the centres of its samples
    area = cv2.contourArea(anatomy) + len(anatomy) / 2
    width, height = cv2.minAreaRect(anatomy)[1]
    radius = cv2.minEnclosingCircle(anatomy)[1]
    share_of_rectangle, share_of_circle = area / ((width + 1) * (height + 1)), area / (np.pi * (radius + 0.5) ** 2)
    return bool(share_of_rectangle < _MAX_SHARE_OF_RECTANGLE and share_of_circle < _MAX_SHARE_OF_CIRCLE)


def _difference(plateau: _Plateau, limits: tuple[float, float]) -> float | None:
    """The upper median of the differences so many samples from a plateau; None for too few samples."""
    ring = (plateau.depth > limits[0]) & (plateau.depth <= limits[1])
    differences = plateau.difference[ring]
    middle = differences.size // 2
    if differences.size <= _MIN_RING:
        return None
    differences.partition(middle)
    return float(differences[middle])


def _has_dark_spine(sample: _Sample) -> bool:
    """Whether the spine and the abdomen of a frontal chest are clearly darker than both lungs."""
    lungs = min(_level_of_part(sample, part) for part in _LUNGS)
    return all(lungs - _level_of_part(sample, part) >= _MIN_DIFFERENCE for part in (_SPINE, _ABDOMEN))


def _level_of_part(sample: _Sample, part: tuple[float, float, float, float]) -> float:
    """The median level of a part of the frame: first and last row, first and last column, as shares."""
    rows, columns = sample.levels.shape
    top, bottom, left, right = part
    return float(
        np.median(sample.levels[int(top * rows) : int(bottom * rows), int(left * columns) : int(right * columns)])
    )


def _grown(mask: Mask, reach: int) -> Mask:
    grown: Mask = cv2.dilate(mask.astype(np.uint8), _square(reach)).view(np.bool_)
    return grown


@cache
def _square(reach: int) -> Array:
    return np.ones((2 * reach + 1, 2 * reach + 1), np.uint8)
