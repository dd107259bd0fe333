# SPDX-License-Identifier: MIT
"""How label files are read, and which errors they give."""

from __future__ import annotations

from pathlib import Path

import pytest

from plainfilm.conversion.labels import (
    Labels,
    LabelUse,
    folders_of_labels,
    key_of_identity,
    key_of_path,
    key_of_text,
    load_labels,
)
from plainfilm.conversion.pseudonyms import Key
from plainfilm.dicom.instance import InstanceIdentity
from plainfilm.errors import OptionsError
from plainfilm.options.data_set import DataSetOptions, LabelColumns, LabelKey

KEY = Key(b"k" * 32)


def load(folder: Path, text: str, kind: LabelKey = LabelKey.SOURCE, *columns: str) -> Labels:
    path = folder / "labels.csv"
    path.write_bytes(text.encode())
    options = DataSetOptions(labels=path, label=LabelColumns(columns or ("side",)), label_key=kind)
    return load_labels(options, KEY)


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_delimiter_line_end_and_byte_order_mark_are_recognised(
    tmp_path: Path, delimiter: str, line_end: str, mark: str
) -> None:
    lines = ["source,name,side", "a/x.dcm,Doe,left", "b.dcm,Roe,right", ""]
    labels = load(tmp_path, mark + line_end.join(lines).replace(",", delimiter))
    assert labels.of(key_of_path(KEY, LabelKey.SOURCE, "a/x.dcm")) == ("left",)
    assert labels.of(key_of_path(KEY, LabelKey.SOURCE, "b.dcm")) == ("right",)
    assert labels.of(key_of_path(KEY, LabelKey.SOURCE, "c.dcm")) == ("",)


def test_the_column_of_the_key_is_found_in_any_case_and_place(tmp_path: Path) -> None:
    labels = load(tmp_path, "side,PATIENTID\nleft, 007 \n", LabelKey.PATIENT_ID)
    identity = InstanceIdentity(patient_id="007 ")
    assert labels.of(key_of_identity(KEY, LabelKey.PATIENT_ID, identity)) == ("left",)


def test_the_first_column_is_the_key_where_none_has_its_name(tmp_path: Path) -> None:
    labels = load(tmp_path, "id,side\nx,left\n", LabelKey.STEM)
    assert labels.of(key_of_path(KEY, LabelKey.STEM, "folder/x.DCM")) == ("left",)
    assert labels.of(key_of_path(KEY, LabelKey.STEM, "folder/x.dcm.gz")) == ("left",)
    assert labels.of(key_of_path(KEY, LabelKey.STEM, "x.1")) == ("",)


def test_only_named_columns_are_held(tmp_path: Path) -> None:
    labels = load(tmp_path, "PatientID,PatientName,side,age\n1,Doe^Jane,left,7\n", LabelKey.PATIENT_ID, "age", "side")
    assert "Doe" not in repr(labels)
    assert labels.of(key_of_text(KEY, LabelKey.PATIENT_ID, "1")) == ("7", "left")


def test_a_key_is_no_key_of_another_kind() -> None:
    identity = InstanceIdentity(patient_id="1", accession_number="1", sop_instance_uid="1")
    kinds = (LabelKey.PATIENT_ID, LabelKey.ACCESSION_NUMBER, LabelKey.SOP_INSTANCE_UID)
    assert len({key_of_identity(KEY, kind, identity) for kind in kinds}) == 3
    assert key_of_identity(KEY, LabelKey.STEM, identity) == key_of_path(KEY, LabelKey.PATIENT_ID, "1") == ""
    assert key_of_identity(KEY, LabelKey.PATIENT_ID, InstanceIdentity()) == ""


def test_equal_rows_for_one_key_are_accepted(tmp_path: Path) -> None:
    labels = load(tmp_path, "source,side,age\na,left,1\na,left,2\n")
    assert labels.of(key_of_path(KEY, LabelKey.SOURCE, "a")) == ("left",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("source,side\na,left\nb,left\na,right\n", "lines 2 and 4 have the same key and other labels"),
        ("source,hand\na,left\n", "has no column 'side'; its columns are source, hand"),
        ("source,side,side\na,left,right\n", "more than one column"),
        ("source,side\na\n", "line 2: the row has fewer cells than the header"),
        ("", "has no column 'side'"),
        ('source,side\na,"le\n', "is no valid CSV file"),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error_that_names_the_place(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        load(tmp_path, text)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (DataSetOptions(labels=Path("x.csv")), "needs --label"),
        (DataSetOptions(label=LabelColumns(("side",))), "need --labels"),
        (DataSetOptions(class_folders="side"), "need --labels"),
        (DataSetOptions(labels=Path("x.csv"), label=LabelColumns(("age",)), class_folders="side"), "name this column"),
    ],
)
def test_options_that_belong_together_are_given_together(options: DataSetOptions, message: str) -> None:
    with pytest.raises(OptionsError, match=message):
        load_labels(options, KEY)


@pytest.mark.parametrize("name", ["image_file_name", "file_names", "FILE_NAME", "file_name"])
def test_a_column_that_a_loader_takes_for_an_image_is_refused(name: str) -> None:
    with pytest.raises(OptionsError, match="loaded as an image"):
        LabelColumns((name,))


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    options = DataSetOptions(labels=tmp_path / "no.csv", label=LabelColumns(("side",)))
    with pytest.raises(OptionsError, match="FileNotFoundError"):
        load_labels(options, KEY)


@pytest.mark.parametrize(
    ("first", "second"), [("Left", "left"), ("a/b", "a:b"), ("é", "e\u0301"), ("x.", "x_"), ("STRASSE", "straße")]
)
def test_two_labels_that_would_share_a_folder_are_an_error(tmp_path: Path, first: str, second: str) -> None:
    labels = load(tmp_path, f"source,side\na,{first}\nb,{second}\n")
    with pytest.raises(OptionsError, match="would share the folder"):
        folders_of_labels(labels, "side")


@pytest.mark.parametrize("label", ["../x", "/etc", "CON", "metadata.csv", "run.json", ".hidden", "__overlays", "=1"])
def test_a_folder_of_a_label_is_a_safe_name(tmp_path: Path, label: str) -> None:
    (folder,) = folders_of_labels(load(tmp_path, f"source,side\na,{label}\n"), "side").values()
    assert "/" not in folder
    assert folder not in ("CON", "metadata.csv", "run.json")
    assert not folder.startswith((".", "__", "="))


def test_rows_without_an_image_and_images_without_a_row_are_listed(tmp_path: Path) -> None:
    labels = load(tmp_path, "source,side\na,left\nb,right\nc,left\n")
    use = LabelUse(labels)
    for source in ("b", "x", "y"):
        use.add(key_of_path(KEY, LabelKey.SOURCE, source), source)
    assert list(use.notes()) == [
        "2 rows of --labels match no image (lines 2, 4)",
        "2 images have no row in --labels (x, y)",
    ]


def test_the_digest_changes_with_any_label_and_not_with_the_order(tmp_path: Path) -> None:
    first = load(tmp_path, "source,side\na,left\nb,right\n").digest
    assert load(tmp_path, "source,side\nb,right\na,left\n").digest == first
    assert load(tmp_path, "source,side\nb,right\na,right\n").digest != first
