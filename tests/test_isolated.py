# SPDX-License-Identifier: MIT
"""`isolated=True`, and the command `explain`, decode in a worker process: what a decoder does there stays there."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pydicom
import pytest
from tests.support.cases.build import build_case, to_bytes

import plainfilm
from plainfilm import ConversionError, OptionsError, Reason
from plainfilm.api import explain_isolated
from plainfilm.conversion.isolated import call_in_worker
from plainfilm.options.limits import LimitOptions

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def content() -> bytes:
    return to_bytes(build_case(centers=(2000,), widths=(3000,))[0])


def test_every_kind_of_source_gives_the_same_image(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "hand.dcm"
    path.write_bytes(content)
    expected = plainfilm.render(content)
    for source in (path, str(path), content, io.BytesIO(content), pydicom.dcmread(io.BytesIO(content))):
        assert np.array_equal(plainfilm.render(source, isolated=True), expected)


def test_options_are_obeyed(content: bytes) -> None:
    image = plainfilm.render(content, isolated=True, bits=16, look="stretch")
    assert np.array_equal(image, plainfilm.render(content, bits=16, look="stretch"))
    explanation = explain_isolated(content, look="stretch")
    assert str(explanation) == str(plainfilm.explain(content, look="stretch"))
    assert explanation.to_dict() == plainfilm.explain(content, look="stretch").to_dict()


def test_errors_are_those_of_an_ordinary_call(content: bytes) -> None:
    with pytest.raises(ConversionError) as caught:
        plainfilm.render(content[:-50], isolated=True)
    with pytest.raises(ConversionError) as expected:
        plainfilm.render(content[:-50])
    assert (caught.value.reason, caught.value.stage) == (expected.value.reason, expected.value.stage)
    assert str(caught.value) == str(expected.value)
    with pytest.raises(OptionsError, match="frame 9"):
        plainfilm.render(content, frame=9, isolated=True)


@pytest.mark.parametrize("fault", ["segfault", "abort"])
def test_a_crash_is_an_error_of_the_call(fault: str) -> None:
    script = {"name": "hand", "fault": fault}
    with pytest.raises(ConversionError) as caught:
        call_in_worker("tests.support.faulty_tasks:run_script", script, LimitOptions())
    assert caught.value.reason is Reason.WORKER_DIED
