# SPDX-License-Identifier: MIT
"""Test that no identifying string of a file is in the text, the pickle or the HTML of a public object (promise P20)."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import pydicom
import pytest
from tests.support.planted import broken_films, file_of, planted_film, planted_texts

import plainfilm
from plainfilm.findings import Finding
from plainfilm.rendering.steps import Step

CONTENTS = {"whole.dcm": file_of(planted_film()), **dict(broken_films())}


def texts_of(value: Any) -> bytes:
    """Everything that a notebook, a log, a debugger or another process may show of a value."""
    shown = [repr(value), str(value), f"{value}"]
    if hasattr(value, "_repr_html_"):
        shown.append(value._repr_html_())
    return "\n".join(shown).encode() + pickle.dumps(value)


def texts_of_error(error: BaseException) -> Iterator[bytes]:
    """The texts of an error, of its notes, and of the errors that it comes from, also those that are not shown."""
    seen: list[BaseException] = []
    stack: list[BaseException | None] = [error]
    while stack:
        cause = stack.pop()
        if cause is None or cause in seen:
            continue
        seen.append(cause)
        shown = (repr(cause), str(cause), repr(cause.args), *getattr(cause, "__notes__", ()))
        yield "\n".join((*shown, *traceback.format_exception_only(cause))).encode()
        if isinstance(cause, plainfilm.PlainfilmError):
            yield pickle.dumps(cause)
        stack += [cause.__cause__, cause.__context__]
    yield "".join(traceback.format_exception(error)).encode()


def sources_of(content: bytes) -> Iterator[Any]:
    yield content
    yield BytesIO(content)
    try:
        yield pydicom.dcmread(BytesIO(content), force=True)
    except Exception:
        return


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", CONTENTS)
def test_public_objects_and_errors_hold_no_planted_string(name: str) -> None:
    results = 0
    for source in sources_of(CONTENTS[name]):
        for options in ({}, {"look": "stretch"}, {"strict": True}, {"voi": "Quxnamzorf"}):
            results += check(source, options)
    assert results


def check(source: Any, options: dict[str, Any]) -> int:
    """Check what one source gives; return the number of objects and errors."""
    raised: list[plainfilm.PlainfilmError] = []
    try:
        if hasattr(source, "seek"):
            source.seek(0)
        with plainfilm.open(source, **options) as image_file:
            for value in (image_file.explain(), image_file.record()):
                assert planted_texts(texts_of(value)) == set()
            assert planted_texts(repr(image_file).encode()) == set()
            image_file.render()
    except plainfilm.PlainfilmError as error:
        raised.append(error)
    assert [text for error in raised for text in texts_of_error(error) if planted_texts(text)] == []
    return 1


@pytest.mark.slow
def test_results_of_runs_hold_no_planted_string(tmp_path: Path) -> None:
    for number, content in enumerate(CONTENTS.values()):
        (tmp_path / f"{number:02d}.dcm").write_bytes(content)
    results = list(plainfilm.iterate(tmp_path, jobs=2))
    assert sum(image is not None for _, image in results) >= 8
    for record, _ in results:
        assert planted_texts(texts_of(record)) == set()
    with pytest.raises(plainfilm.PlainfilmError) as raised:
        plainfilm.render(CONTENTS["cut 3.dcm"], isolated=True)
    assert [text for text in texts_of_error(raised.value) if planted_texts(text)] == []


def test_an_explanation_holds_no_pixels_and_is_small() -> None:
    dataset = planted_film()
    explanation = plainfilm.explain(dataset)
    assert len(pickle.dumps(explanation)) < 10_000
    assert pickle.loads(pickle.dumps(explanation)) == explanation
    assert len(repr(explanation)) < 300
    assert dataset.PixelData[:64] not in pickle.dumps(explanation)


def test_the_html_of_an_explanation_is_escaped() -> None:
    explanation = plainfilm.explain(planted_film())
    step = Step("<b>name", '<script>alert("1")</script>', "<i>", "a & b < c")
    finding = Finding(explanation.findings[0].code, "<img onerror=x>")
    html = replace(explanation, steps=(step,), findings=(finding,))._repr_html_()
    for tag in ("<script", "<b>", "<i>", "<img"):
        assert tag not in html
    for text in (step.name, step.does, step.attribute, step.reason, finding.detail):
        assert escape(text) in html
    assert html.count("<table>") == html.count("</table>") == 2
