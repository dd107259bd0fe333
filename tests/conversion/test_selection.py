# SPDX-License-Identifier: MIT
"""Test that the options select instances by their headers, before pixels are decoded."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.outputs import images_of, rows_of

from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.pseudonyms import Key, pseudonyms
from plainfilm.conversion.selection import check_selection
from plainfilm.conversion.summary import Run
from plainfilm.dicom.dictionary import Keywords
from plainfilm.dicom.read import read_header
from plainfilm.errors import ConversionError, OptionsError, Reason
from plainfilm.options.options import Options

KEY = Key(b"k" * 32)


def film(**attributes: Any) -> bytes:
    dataset, _ = build_case()
    given = {"Modality": "DX", "BodyPartExamined": "HAND", "ViewPosition": "PA", "PatientAge": "045Y", **attributes}
    for keyword, value in given.items():
        setattr(dataset, keyword, value)
    return to_bytes(dataset)


def is_selected(content: bytes, **options: Any) -> bool:
    try:
        check_selection(content, Options.of(options), KEY)
    except ConversionError as error:
        return error.reason is not Reason.EXCLUDED
    return True


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, True),
        ({"modality": "CR,DX"}, True),
        ({"modality": "dx"}, True),
        ({"modality": ["CR"]}, False),
        ({"body_part": "hand"}, True),
        ({"body_part": "CHEST"}, False),
        ({"modality": "DX", "body_part": "CHEST"}, False),
        ({"where": "view_position=pa"}, True),
        ({"where": "view_position!=PA"}, False),
        ({"where": "patient_age=45"}, True),
        ({"where": "patient_age!=45.0"}, False),
        ({"where": ["view_position=PA", "modality=CR"]}, False),
        ({"where": "view_position=PA;modality=DX"}, True),
        ({"where": "laterality="}, True),
        ({"where": "laterality!="}, False),
        ({"where": "frames=1"}, True),
        ({"where": "photometric_interpretation=monochrome2"}, True),
        ({"where": "transfer_syntax=1.2.840.10008.1.2.1"}, True),
        ({"columns": "KVP", "where": "KVP=60"}, True),
        ({"columns": "KVP", "where": "KVP!=60"}, False),
    ],
)
def test_a_film_is_selected_where_all_options_agree(options: dict[str, Any], expected: bool) -> None:
    assert is_selected(film(KVP="60.0"), **options) is expected


def test_the_rows_of_the_header_are_compared_as_numbers() -> None:
    rows = build_case()[0].Rows
    assert is_selected(film(), where=f"rows={rows}.0")
    assert not is_selected(film(), where=f"rows={rows + 1}")


def test_a_patient_is_selected_by_the_keyed_hash() -> None:
    content = film(PatientID="x")
    patient = pseudonyms(read_header(content, Keywords()).identity, KEY).patient
    assert is_selected(content, where=f"patient={patient}")
    assert not is_selected(film(PatientID="y"), where=f"patient={patient}")


def test_a_value_may_contain_a_semicolon() -> None:
    assert is_selected(film(Manufacturer="A; B"), where="manufacturer=A; B;modality=DX")


def test_a_film_that_is_left_out_is_excluded_even_if_its_pixels_are_cut() -> None:
    assert not is_selected(film()[:-100], modality="CR")


def test_a_film_whose_pixel_attributes_cannot_be_read_is_left_to_the_conversion() -> None:
    dataset, _ = build_case()
    del dataset.Rows
    assert is_selected(to_bytes(dataset), where="rows=100")


@pytest.mark.parametrize("column", ["bits_stored", "mean", "KVP"])
def test_a_column_that_the_header_alone_does_not_decide_is_refused(column: str) -> None:
    with pytest.raises(OptionsError, match=rf"--where: {column} .*modality, body_part"):
        Options.of({"where": f"{column}=1"})


@pytest.mark.parametrize("text", ["modality", "=DX", "rows=many"])
def test_a_condition_that_cannot_be_read_is_refused(text: str) -> None:
    with pytest.raises(OptionsError, match="--where"):
        Options.of({"where": text})


@pytest.fixture
def convert(tmp_path: Path) -> Callable[..., Run]:
    """Convert three films and a text into OUT."""
    source = tmp_path / "in"
    source.mkdir()
    (source / "hand.dcm").write_bytes(film())
    (source / "chest.dcm").write_bytes(film(BodyPartExamined="CHEST", Modality="CR"))
    (source / "broken.dcm").write_bytes(film(Modality="CT")[:-100])
    (source / "notes.txt").write_text("no film")
    (tmp_path / "key").write_bytes(b"k" * 32)

    def run(**options: Any) -> Run:
        given = {"jobs": 1, "key_file": tmp_path / "key", **options}
        return Conversion([source], tmp_path / "out", Options.of(given)).run()

    return run


@pytest.mark.slow
def test_what_is_left_out_is_skipped_and_a_wider_selection_converts_it(
    convert: Callable[..., Run], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    run = convert(modality="DX,CR", body_part="HAND")
    assert images_of(out) == ["hand.png"]
    reasons = {row["source"]: (row["status"], row["reason"]) for row in rows_of(out, "failures")}
    assert reasons["chest.dcm"] == reasons["broken.dcm"] == ("skipped", "excluded")
    assert run.exit_code == 0
    run = convert(modality="DX,CR")
    assert images_of(out) == ["chest.png", "hand.png"]
    assert any("selection" in note for note in run.notes)
    run = convert()
    assert {row["source"]: row["reason"] for row in rows_of(out, "failures")}["broken.dcm"] == "truncated_pixel_data"


@pytest.mark.slow
def test_images_of_an_earlier_selection_stay(convert: Callable[..., Run], tmp_path: Path) -> None:
    convert()
    run = convert(modality="CR")
    assert images_of(tmp_path / "out") == ["chest.png", "hand.png"]
    assert any("selection" in note for note in run.notes)
    assert not any("selection" in note for note in convert(modality="CR").notes)
