# SPDX-License-Identifier: MIT
"""The frames of an instance are decoded once, within a memory budget, and fail one by one."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from tests.support.cases.build import build_case, to_bytes

from plainfilm.decode.decoded import DecodedFrame
from plainfilm.errors import ConversionError, Reason
from plainfilm.options.options import Options
from plainfilm.rendering import instance_survey, opened_instance
from plainfilm.rendering.frame import LoadedFrame
from plainfilm.rendering.instance_survey import FrameCache, survey_instance
from plainfilm.rendering.masks import NO_MASKS
from plainfilm.rendering.opened_instance import OpenedInstance, open_instance
from plainfilm.rendering.pipeline import plan_frame, render_frame
from plainfilm.rendering.setup import frame_setup

Array = npt.NDArray[Any]
FRAMES = 5


@pytest.fixture
def decoded_frames(monkeypatch: pytest.MonkeyPatch) -> Counter[int]:
    """How often each frame is decoded."""
    counter, decode = Counter[int](), opened_instance.decode_frame

    def counted(pixel: Any, data: Any, table: Any, frame: int, verify: bool) -> DecodedFrame:
        counter[frame] += 1
        return decode(pixel, data, table, frame, verify)

    monkeypatch.setattr(opened_instance, "decode_frame", counted)
    return counter


def opened(frames: int = FRAMES, **options: Any) -> OpenedInstance:
    return open_instance(to_bytes(build_case(frames=frames, content="noise")[0]), Options.of(options))


def images(instance: OpenedInstance, frames: range) -> list[Array]:
    survey = survey_instance(instance, frames)
    return [render_frame(plan_frame(survey, frame)).image for frame in frames]


def test_frames_are_decoded_once(decoded_frames: Counter[int]) -> None:
    images(opened(), range(FRAMES))
    assert decoded_frames == dict.fromkeys(range(FRAMES), 1)


def test_beyond_the_budget_frames_are_decoded_again_to_the_same_images(
    decoded_frames: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    cached = images(opened(), range(FRAMES))
    decoded_frames.clear()
    monkeypatch.setattr(instance_survey, "MOST_CACHED_BYTES", 0)
    again = images(opened(), range(FRAMES))
    assert decoded_frames == dict.fromkeys(range(FRAMES), 2)
    for image, other in zip(cached, again, strict=True):
        np.testing.assert_array_equal(image, other)


def test_the_budget_is_a_small_share_of_the_memory_limit(decoded_frames: Counter[int]) -> None:
    frame = opened().load(0).nbytes
    decoded_frames.clear()
    instance = opened()
    limits = replace(instance.options.limits, memory=2 * frame * instance_survey.CACHE_SHARE)
    images(replace(instance, options=replace(instance.options, limits=limits)), range(FRAMES))
    assert [decoded_frames[frame] for frame in range(FRAMES)] == [1, 1, 2, 2, 2]


def test_a_single_frame_is_decoded_once_whatever_the_budget(
    decoded_frames: Counter[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instance_survey, "MOST_CACHED_BYTES", 0)
    images(opened(frames=1), range(1))
    assert decoded_frames == {0: 1}


def test_frames_that_are_not_rendered_are_not_kept() -> None:
    survey = survey_instance(opened(), [3])
    assert [survey.cache.take(frame) is not None for frame in range(FRAMES)] == [False, False, False, True, False]


def test_skipped_frames_are_neither_announced_nor_decoded(decoded_frames: Counter[int]) -> None:
    announced: list[int] = []
    survey_instance(opened(), range(FRAMES), skipped_frames=[1, 2], announce=announced.append)
    assert announced == sorted(decoded_frames) == [0, 3, 4]


def test_the_instance_fails_where_no_frame_can_be_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> DecodedFrame:
        raise ConversionError("the codestream is damaged", reason=Reason.CORRUPT_CODESTREAM)

    monkeypatch.setattr(opened_instance, "decode_frame", refuse)
    with pytest.raises(ConversionError, match="the codestream is damaged"):
        survey_instance(opened(), range(FRAMES))


def test_a_crop_outside_the_image_fails_each_frame_and_not_the_survey() -> None:
    survey = survey_instance(opened(crop="9000,0,1,1"), range(FRAMES))
    for frame in range(FRAMES):
        with pytest.raises(ConversionError, match="lies outside the image"):
            plan_frame(survey, frame)


def test_a_retrieved_frame_frees_its_memory_for_another() -> None:
    instance = opened()
    frames = [loaded(instance, frame) for frame in range(2)]
    cache = FrameCache(frames[0].nbytes)
    for frame in frames:
        cache.keep(frame)
    assert cache.take(1) is None
    assert cache.take(0) is frames[0]
    cache.keep(frames[1])
    assert cache.take(1) is frames[1]
    assert cache.take(1) is None


def loaded(instance: OpenedInstance, frame: int) -> LoadedFrame:
    setup = frame_setup(instance.instance, frame, instance.options, instance.boxes)
    return LoadedFrame(setup, DecodedFrame(np.zeros((4, 6), np.uint16), None, None, "", "MONOCHROME2"), NO_MASKS)
