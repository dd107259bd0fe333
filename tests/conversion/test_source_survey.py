# SPDX-License-Identifier: MIT
"""Test that a survey counts what the sources hold, from headers alone, and nothing about a patient."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases.build import LutSpec, build_case, to_bytes

import plainfilm
from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.source_survey import SourceSurvey, SurveyCounts
from plainfilm.conversion.survey_task import ImageFacts, SurveyBatch, survey_batch
from plainfilm.errors import OptionsError, Reason, SourceMissingError
from plainfilm.options.options import Options
from plainfilm.records import Failure
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import FrameSkipped, FrameStarted, Job, TaskResult

PATIENT = {"PatientName": "Zzyzx^Quentin", "PatientID": "Q-471134", "PatientBirthDate": "19610203"}


def film(name: str, folder: Path, case: dict[str, Any] | None = None, **attributes: Any) -> Path:
    dataset, _ = build_case(**(case or {}))
    given = {
        "Modality": "DX",
        "BodyPartExamined": "HAND",
        "Manufacturer": "Maker",
        "StudyInstanceUID": "1.2.3",
        **PATIENT,
    }
    for keyword, value in {**given, **attributes}.items():
        setattr(dataset, keyword, value)
    path = folder / name
    path.write_bytes(to_bytes(dataset))
    return path


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    film("a.dcm", folder, {"centers": (2000,), "widths": (1000,)})
    film("b.dcm", folder, {"voi_luts": (LutSpec(tuple(range(0, 4096, 2)), 0, 12),)}, Modality="CR")
    film("c.dcm", folder, {"frames": 3, "photometric": "MONOCHROME1"}, Modality="CT", PatientID="other")
    film("cut.dcm", folder).write_bytes(film("cut.dcm", folder).read_bytes()[:-100])
    (folder / "notes.txt").write_text("no film")
    (folder / "empty.dcm").write_bytes(b"")
    return folder


def facts_of(path: Path, **options: Any) -> Any:
    batch = SurveyBatch((Reference(path, path.name, path.stem),), Options.of(options), Key(b"k" * 32))
    reports: list[Any] = []
    survey_batch(Job(batch), reports.append)
    assert reports[0] == FrameStarted(0)
    return reports[1].value


def test_the_facts_of_an_image_come_from_its_header(tmp_path: Path) -> None:
    facts = facts_of(film("a.dcm", tmp_path, {"centers": (2000,), "widths": (1000,)}))
    assert isinstance(facts, ImageFacts)
    assert (facts.modality, facts.body_part, facts.manufacturer, facts.voi) == ("DX", "HAND", "Maker", "window")
    assert (facts.polarity, facts.frames, facts.bits_stored) == ("MONOCHROME2", 1, 12)


def test_the_polarity_conflict_is_a_finding_to_expect(tmp_path: Path) -> None:
    assert "polarity_conflict" in facts_of(film("a.dcm", tmp_path, PresentationLUTShape="INVERSE")).findings


def test_a_film_that_is_not_selected_is_excluded(tmp_path: Path) -> None:
    failure = facts_of(film("a.dcm", tmp_path), modality="CR")
    assert isinstance(failure, Failure)
    assert failure.reason is Reason.EXCLUDED


def test_a_batch_continues_behind_its_first_file(tmp_path: Path) -> None:
    paths = [film(f"{number}.dcm", tmp_path) for number in range(3)]
    batch = SurveyBatch(tuple(Reference(path, path.name, path.stem) for path in paths), Options(), Key(b"k" * 32))
    reports: list[Any] = []
    survey_batch(Job(batch, 1, frozenset({2})), reports.append)
    assert [type(report) for report in reports] == [FrameStarted, TaskResult, FrameSkipped]


def test_a_condition_on_a_keyed_hash_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match="has no key"):
        SourceSurvey([tmp_path], Options.of({"where": "patient=0"}))


def test_an_option_that_does_not_apply_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionsError, match=r"survey\(\) has no option 'look'"):
        plainfilm.survey(tmp_path, look="minmax")


def test_a_source_that_does_not_exist_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError):
        plainfilm.survey(tmp_path / "nowhere")


def test_empty_counts_have_every_table() -> None:
    assert all(not table for table in SurveyCounts().tables.values())


@pytest.mark.slow
def test_a_survey_counts_images_and_what_cannot_be_read(source: Path) -> None:
    content: dict[str, Any] = plainfilm.survey(source, jobs=1).to_dict()
    assert (content["files"], content["images"], content["frames"], content["multi_frame"]) == (6, 3, 5, 1)
    assert (content["patients"], content["studies"]) == (2, 1)
    assert content["skipped"] == {"not_dicom": 1}
    assert content["failed"] == {"empty": 1, "truncated_pixel_data": 1}
    tables = {name: {row["value"]: row["images"] for row in rows} for name, rows in content["tables"].items()}
    assert tables["modality"] == {"CR": 1, "CT": 1, "DX": 1}
    assert tables["voi"] == {"lut": 1, "none": 1, "window": 1}
    assert tables["polarity"] == {"MONOCHROME2": 2, "MONOCHROME1": 1}
    assert content["next_command"] == "plainfilm convert SOURCE... pictures --modality CR,DX"


@pytest.mark.slow
def test_a_selection_narrows_the_survey_and_the_next_command(source: Path) -> None:
    survey = plainfilm.survey([source], jobs=2, modality="cr", where="body_part=hand")
    content: dict[str, Any] = survey.to_dict()
    assert content["images"] == 1
    assert content["skipped"] == {"excluded": 3, "not_dicom": 1}
    assert survey.next_command(["a b"]) == "plainfilm convert 'a b' pictures --modality CR --where body_part=hand"


@pytest.mark.slow
def test_nothing_of_the_patient_is_in_the_result(source: Path) -> None:
    text = json.dumps(plainfilm.survey(source, jobs=1).to_dict())
    assert not any(word in text for word in ("Zzyzx", "Quentin", "471134", "1961", "a.dcm", str(source)))
