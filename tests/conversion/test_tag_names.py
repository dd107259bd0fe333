# SPDX-License-Identifier: MIT
"""`--names tags` gives readable, unique and reproducible names, and none of the patient."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.cases.build import build_case, to_bytes
from tests.support.outputs import images_of, rows_of

from plainfilm.conversion import tag_names
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.tag_names import tag_name
from plainfilm.dicom.read import read_instance
from plainfilm.options.options import Options

HASH = "3f2a91c0" + "0" * 24
ATTRIBUTES = {"Modality": "CR", "BodyPartExamined": "HAND", "ViewPosition": "PA", "Laterality": "L"}


def film(uid: str = "1.2.3", seed: int = 0, **attributes: str) -> bytes:
    dataset, _ = build_case(seed=seed)
    dataset.SOPInstanceUID, dataset.file_meta.MediaStorageSOPInstanceUID = uid, uid or "1.2"
    for keyword, value in (ATTRIBUTES | attributes).items():
        setattr(dataset, keyword, value)
    return to_bytes(dataset)


def name_of(**attributes: str) -> str | None:
    return tag_name(read_instance(film(**attributes), 10**9), HASH)


def test_a_name_has_modality_body_part_view_laterality_and_eight_digits() -> None:
    assert name_of() == "cr_hand_pa_left_3f2a91c0"
    assert name_of(Laterality="R", ViewPosition="") == "cr_hand_right_3f2a91c0"
    assert name_of(ImageLaterality="B", BodyPartExamined="") == "cr_pa_both_3f2a91c0"


def test_values_that_are_no_terms_or_name_the_patient_are_left_out() -> None:
    assert name_of(BodyPartExamined="19700101") == "cr_pa_left_3f2a91c0"
    assert name_of(ViewPosition="../X") == "cr_hand_left_3f2a91c0"
    assert name_of(BodyPartExamined="MEIER", PatientName="Meier^Anna") == "cr_pa_left_3f2a91c0"
    assert tag_name(read_instance(film(), 10**9), "") is None


@pytest.mark.slow
@pytest.mark.parametrize("digits", [8, 1])
def test_films_with_equal_names_are_all_kept_and_named_alike_in_each_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: int
) -> None:
    (tmp_path / "key").write_bytes(b"a secret of thirty-two bytes, so.")
    (tmp_path / "in").mkdir()
    for seed in range(4):
        (tmp_path / f"in/{seed}").write_bytes(film(seed=seed))
    (tmp_path / "in/other").write_bytes(film("1.2.4", BodyPartExamined="WRIST"))
    (tmp_path / "in/none").write_bytes(film(""))
    monkeypatch.setattr("plainfilm.conversion.run_parts._GROUPED_BY", {"tags": digits})

    def convert(out: str, *sources: str, jobs: int = 1) -> dict[str, bytes]:
        options = Options.of({"jobs": jobs, "key_file": tmp_path / "key", "names": "tags"})
        Conversion([tmp_path / "in" / source for source in sources], tmp_path / out, options).run()
        return images_of(tmp_path / out)

    images = convert("out", "", jobs=2)
    assert len(images) == 6
    rows = {row["file_name"]: row for row in rows_of(tmp_path / "out")}
    readable = [name for name in rows if "/" not in name]
    assert len(readable) == 5
    assert all(rows[name]["sop_instance"][: tag_names.DIGITS] in name for name in readable)
    assert sum(name.startswith("cr_hand_pa_left_") and "-" not in name for name in readable) == 1
    assert sum(name.startswith("cr_wrist_pa_left_") for name in readable) == 1
    assert convert("again", "") == images
