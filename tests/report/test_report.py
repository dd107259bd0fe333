# SPDX-License-Identifier: MIT
"""Test what a report holds, that its files are inert, and that it depends on the rows alone."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from itertools import count
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from tests.support.memory import call_within, least_peak
from tests.support.reports import SyntheticRows, failure, report_preview, report_record, script_values

from plainfilm.errors import Reason
from plainfilm.findings import FindingCode
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Record, Status
from plainfilm.report import report
from plainfilm.report.meanings import ADVICE, meanings_of
from plainfilm.report.preview import Preview
from plainfilm.report.report import write_report
from plainfilm.report.report_files import REPORT, remove_report
from plainfilm.report.report_rows import FACT_COLUMNS, IndexChunk, split_jpeg
from plainfilm.report.script_text import script_call
from plainfilm.report.suspects import Baselines, Suspect
from plainfilm.report.thumbnail import thumbnail_of, thumbnail_of_file

HOSTILE = "</script><script>alert(1)</script>\u2028\"><img src=x onerror=alert(1)>'\u202egnp\udcff\x00&amp;"


def report_of(out: Path, rows: SyntheticRows, **settings: Any) -> bytes:
    """Write a report and return its page."""
    assert write_report(FolderOutput(out), rows, **settings)
    return (out / REPORT).read_bytes()


def column(chunk: dict[str, Any], name: str) -> list[Any]:
    """A column of the index."""
    if name in chunk["coded"]:
        return [chunk["coded"][name]["values"][code] for code in chunk["coded"][name]["rows"]]
    values: list[Any] = (chunk["texts"] | chunk["numbers"])[name]
    return values


class Page(HTMLParser):
    """The elements of a page with their attributes, and its texts."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.elements = list[tuple[str, dict[str, str | None]]]()
        self.texts = list[str]()
        self.feed(content.decode("ascii"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_every_image_is_in_the_index_and_in_the_data(tmp_path: Path) -> None:
    report_of(tmp_path, SyntheticRows(1201))
    (index,) = script_values(tmp_path, "report-index-*.js")
    data = script_values(tmp_path, "report-data-*.js")
    assert index["size"] == 1201
    assert column(index, "source") == [f"films/{number:06}.dcm" for number in range(1201)]
    assert [len(chunk["rows"]) for chunk in data] == [500, 500, 201]
    assert column(index, "status").count("repaired") == 120


def test_a_thumbnail_is_the_image(tmp_path: Path) -> None:
    from base64 import b64decode

    report_of(tmp_path, SyntheticRows(12))
    (chunk,) = script_values(tmp_path, "report-data-*.js")
    for number, row in enumerate(chunk["rows"]):
        jpeg = b64decode(chunk["headers"][row[0]]) + b64decode(row[1])
        assert jpeg == Preview.from_bytes(report_preview(number)).thumbnail
        assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_UNCHANGED).shape == (64, 52)
    assert len(chunk["headers"]) == 1


def test_steps_findings_and_facts_are_those_of_the_image(tmp_path: Path) -> None:
    changes = {1: {"findings": "voi_lut_bits;assumed_patient", "transfer_syntax": "1.2.840.10008.1.2.4.70"}}
    report_of(tmp_path, SyntheticRows(3, changes))
    (chunk,) = script_values(tmp_path, "report-data-*.js")
    *_, steps, findings, facts = chunk["rows"][1]
    texts = chunk["texts"]
    assert texts[steps[0][0]] == "voi"
    assert [texts[number] for number in findings[0]] == ["voi_lut_bits", "12 of 16 bits"]
    assert texts[findings[1][0]] == "assumed_patient"
    assert texts[findings[1][1]] == meanings_of(FindingCode)["assumed_patient"]
    assert texts[facts[FACT_COLUMNS.index("transfer_syntax")]] == "1.2.840.10008.1.2.4.70"


def test_hostile_texts_are_neither_elements_nor_attributes(tmp_path: Path) -> None:
    texts = ("file_name", "source", "modality", "body_part", "manufacturer", "model", "view_position", "findings")
    rows = SyntheticRows(3, {0: dict.fromkeys(texts, HOSTILE)}, (failure(HOSTILE), failure(HOSTILE, Reason.EMPTY)))
    ordinary = SyntheticRows(3, {0: dict.fromkeys(texts, "plain")}, (failure("a"), failure("b", Reason.EMPTY)))
    hostile_page = Page(report_of(tmp_path, rows))
    for path in tmp_path.glob("report-*.js"):
        content = path.read_bytes()
        if path.name != "report-page.js":
            assert not {b"<", b">", b"&"} & {bytes([byte]) for byte in content}
        assert content.isascii()
    plain_page = Page(report_of(tmp_path, ordinary))
    of_buttons = [attributes for _, attributes in hostile_page.elements if "data-value" in attributes]
    assert HOSTILE not in repr(of_buttons).replace("\\", "")
    assert [tag for tag, _ in hostile_page.elements] == [tag for tag, _ in plain_page.elements]
    assert any("</script>" in text for text in hostile_page.texts)


def test_the_page_forbids_the_network_and_has_no_inline_script(tmp_path: Path) -> None:
    page = Page(report_of(tmp_path, SyntheticRows(2)))
    (policy,) = [
        attributes["content"] or ""
        for tag, attributes in page.elements
        if tag == "meta" and attributes.get("http-equiv") == "Content-Security-Policy"
    ]
    assert policy.startswith("default-src 'none'")
    assert "http" not in policy
    assert "unsafe" not in policy
    scripts = [attributes for tag, attributes in page.elements if tag == "script"]
    assert [set(attributes) for attributes in scripts] == [{"src"}] * len(scripts)
    names = [attributes["src"] or "" for attributes in scripts]
    assert all((tmp_path / name).is_file() for name in names)
    for tag, attributes in page.elements:
        assert tag not in ("iframe", "object", "embed", "base", "link")
        assert not [name for name in attributes if name.startswith("on") or name == "style"]
        assert not str(attributes.get("href") or "#").startswith(("http", "//", "javascript"))


def test_no_file_of_the_report_is_an_image_or_a_folder(tmp_path: Path) -> None:
    report_of(tmp_path, SyntheticRows(2))
    assert all(path.is_file() and path.suffix in (".html", ".js") for path in tmp_path.iterdir() if path.name[0] != ".")


def test_two_reports_of_the_same_rows_are_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        report_of(tmp_path / name, SyntheticRows(700))
    for path in (tmp_path / "a").glob("report*"):
        assert path.read_bytes() == (tmp_path / "b" / path.name).read_bytes()


def test_data_files_of_a_larger_report_are_removed_and_files_of_others_stay(tmp_path: Path) -> None:
    report_of(tmp_path, SyntheticRows(1100))
    (tmp_path / "report-data-0009.js").write_text("the user's own")
    assert (tmp_path / "report-data-0003.js").exists()
    report_of(tmp_path, SyntheticRows(20))
    assert not (tmp_path / "report-data-0003.js").exists()
    assert (tmp_path / "report-data-0009.js").exists()
    remove_report(FolderOutput(tmp_path))
    assert [path.name for path in tmp_path.glob("report*")] == ["report-data-0009.js"]


def test_a_report_of_too_many_images_has_all_suspects_and_a_sample(tmp_path: Path) -> None:
    page = report_of(tmp_path, SyntheticRows(2000), most=300)
    chunks = script_values(tmp_path, "report-index-*.js")
    sources = [source for chunk in chunks for source in column(chunk, "source")]
    assert len(sources) == len(set(sources)) == 300
    duplicates = [
        source
        for chunk in chunks
        for source, kinds in zip(column(chunk, "source"), column(chunk, "suspects"), strict=True)
        if kinds
    ]
    assert len(duplicates) == 20
    assert b"300 of 2,000 images" in page
    assert max(np.diff([int(source[6:12]) for source in sources])) < 20


def test_a_run_without_images_has_a_report(tmp_path: Path) -> None:
    page = report_of(tmp_path, SyntheticRows(0, inputs_without_image=(failure("a.dcm"),)))
    assert b"truncated_file" in page
    assert script_values(tmp_path, "report-index-*.js")[0]["size"] == 0


def test_failures_have_their_reason_its_meaning_and_what_to_do(tmp_path: Path) -> None:
    failures = [failure(f"{number}.dcm") for number in range(30)]
    skipped = failure("notes.txt", Reason.NOT_DICOM, Status.SKIPPED)
    page = Page(report_of(tmp_path, SyntheticRows(1, inputs_without_image=(*failures, skipped))))
    assert ADVICE[Reason.TRUNCATED_FILE] in page.texts
    assert meanings_of(Reason)["truncated_file"] in page.texts
    assert {"0.dcm", "19.dcm"} <= set(page.texts)
    assert "20.dcm" not in page.texts
    assert "30" in page.texts


def test_every_code_has_a_meaning_and_every_reason_of_a_failure_advice() -> None:
    for codes in (Reason, FindingCode, Suspect):
        assert set(meanings_of(codes)) == {code.value for code in codes}
    of_runs = set(list(Reason)[list(Reason).index(Reason.OPTIONS) :])
    assert set(ADVICE) == set(Reason) - of_runs


def suspects_of(record: Record, usual: int = 60) -> set[Suspect]:
    """Why an image among ordinary ones is suspect."""
    baselines = Baselines()
    for number in range(usual):
        baselines.add(report_record(number, body_part="HAND", modality="DX"))
    baselines.add(record)
    return set(baselines.suspects(record))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, set()),
        ({"polarity_suspect": True}, {Suspect.POLARITY}),
        ({"entropy": 0.1}, {Suspect.BLANK, Suspect.OUTLIER}),
        ({"entropy": None, "mean": None, "black_fraction": None, "white_fraction": None}, {Suspect.BLANK}),
        ({"mean": 0.9}, {Suspect.OUTLIER}),
        ({"white_fraction": 0.6}, {Suspect.OUTLIER}),
        ({"voi_width": 40000.0}, {Suspect.WINDOW}),
        ({"voi_width": 5000.0}, set()),
        ({"findings": "assumed_patient;voi_degenerate"}, {Suspect.WINDOW}),
        ({"duplicate_of": "a.png"}, {Suspect.DUPLICATE}),
        ({"findings": "burned_in_likely"}, {Suspect.BURNED_IN}),
    ],
)
def test_an_image_is_suspect_for_what_is_wrong_with_it(changes: dict[str, Any], expected: set[Suspect]) -> None:
    assert suspects_of(report_record(0, body_part="HAND", modality="DX", **changes)) == expected


def test_statistics_are_compared_with_images_of_the_same_body_part_only() -> None:
    dark = {"mean": 0.9, "body_part": "CHEST"}
    assert suspects_of(report_record(0, **dark)) == set()
    assert suspects_of(report_record(0, body_part="HAND", modality="DX", mean=0.9), usual=10) == set()


def test_a_preview_reads_back_and_damaged_ones_are_refused() -> None:
    content = report_preview(3)
    assert Preview.from_bytes(content).to_bytes() == content
    for damaged in (b"", b"\0\0", content[:40], b"\0\0\0\x04abcd", b"\xff" * 50):
        with pytest.raises(ValueError, match=r"no preview|padding|Expecting"):
            Preview.from_bytes(damaged)


def test_an_image_without_preview_gets_its_thumbnail_from_its_file(tmp_path: Path) -> None:
    (tmp_path / "films").mkdir()
    image = np.full((900, 700), 77, np.uint8)
    cv2.imwrite(str(tmp_path / "films" / "000001.png"), image)
    report_of(tmp_path, SyntheticRows(3, without_preview=frozenset({1, 2})))
    (chunk,) = script_values(tmp_path, "report-data-*.js")
    header, body = split_jpeg(thumbnail_of(image))
    assert header
    assert len(body) > 20
    assert chunk["rows"][1][1] != ""
    assert chunk["rows"][2][1] == ""


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("shape", [(64, 64), (3000, 2000), (1, 500), (300, 300, 3)])
def test_a_thumbnail_has_at_most_64_pixels_a_side_and_the_levels_of_the_image(
    dtype: type[np.generic], shape: tuple[int, ...]
) -> None:
    image = np.full(shape, 200 if dtype is np.uint8 else 200 * 256, dtype)
    small = cv2.imdecode(np.frombuffer(thumbnail_of(image), np.uint8), cv2.IMREAD_UNCHANGED)
    assert max(small.shape[:2]) <= 64
    assert small.ndim == image.ndim
    assert abs(float(small.mean()) - 200) < 2
    assert thumbnail_of_file(b"no image") == b""


def test_missing_numbers_are_null_in_the_index() -> None:
    chunk = IndexChunk(0)
    chunk.add(report_record(0, voi_width=None, mean=float("nan"), low=float("inf")), ())
    numbers = json.loads(json.dumps(chunk.to_json()))["numbers"]
    assert (numbers["voi_width"], numbers["mean"], numbers["low"]) == ([None], [None], [None])


def test_a_script_holds_any_text_without_ending() -> None:
    script = script_call("addIndex", HOSTILE)
    assert json.loads(script.split(b"(", 1)[1].rsplit(b")", 1)[0]) == HOSTILE


@pytest.mark.slow
def test_memory_does_not_grow_with_the_number_of_images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "INDEX_ROWS", 50)
    monkeypatch.setattr(report, "DATA_ROWS", 25)
    size = least_peak(lambda: report_of(tmp_path, SyntheticRows(125)))
    call_within(int(1.3 * size), report_of, tmp_path, SyntheticRows(500))


@pytest.mark.parametrize("rows_before", [0, 3, 4, 7])
def test_a_report_that_is_stopped_says_so(tmp_path: Path, rows_before: int) -> None:
    calls = count()
    assert not write_report(FolderOutput(tmp_path), SyntheticRows(3), lambda: next(calls) >= rows_before, most=2)
    assert not (tmp_path / REPORT).exists()


def test_splits_and_labels_are_in_the_index_and_the_private_key_of_labels_is_not(tmp_path: Path) -> None:
    values = {"split": "train", "labels": ("fracture", "2"), "label_key": "c0ffee" * 6}
    report_of(tmp_path, SyntheticRows(2, {0: values, 1: {"labels": ("", "")}}, label_columns=("label_a", "label_b")))
    (index,) = script_values(tmp_path, "report-index-*.js")
    assert column(index, "split") == ["train", ""]
    assert column(index, "label_a") == ["fracture", ""]
    assert column(index, "label_b") == ["2", ""]
    assert not [path for path in tmp_path.glob("report*") if b"c0ffee" in path.read_bytes()]


def test_the_index_says_whether_images_are_files(tmp_path: Path) -> None:
    report_of(tmp_path, SyntheticRows(2))
    assert script_values(tmp_path, "report-index-*.js")[0]["has_files"] is False
    (tmp_path / "films").mkdir()
    (tmp_path / "films" / "000000.png").write_bytes(b"")
    report_of(tmp_path, SyntheticRows(2))
    assert script_values(tmp_path, "report-index-*.js")[0]["has_files"] is True
