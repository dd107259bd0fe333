# SPDX-License-Identifier: MIT
"""Whole runs with real workers: names, tables, failures, summary and run.json; and faults that cost their own alone."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
import threading
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from pydicom.encaps import encapsulate, generate_frames
from tests.support.cases.build import LutSpec, build_case, to_bytes
from tests.support.cases.faults import faults
from tests.support.outputs import is_private

from plainfilm.cli.main import main
from plainfilm.conversion import progress as progress_module
from plainfilm.conversion.conversion import Conversion
from plainfilm.conversion.job import EncodedImage
from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.run_progress import RunProgress
from plainfilm.conversion.single_image import convert_single
from plainfilm.conversion.summary import Run
from plainfilm.errors import LedgerError, OptionsError, RunError, SourceMissingError
from plainfilm.findings import FindingCode
from plainfilm.options.options import Options
from plainfilm.records import Failure
from plainfilm.sources.walk import Listing
from plainfilm.workers import worker_thread
from plainfilm.workers.spawn import TASK

pytestmark = pytest.mark.slow

HERE = str(Path(__file__).resolve().parents[2])
PROMISED = (
    "file_name, source, sop_instance, patient, study, series, frame, frames, status, findings, width, height, bits, "
    "look, voi, voi_center, voi_width, voi_function, low, high, inverted, decoder, transfer_syntax, modality, "
    "body_part, view_position, laterality, patient_sex, patient_age, manufacturer, model, "
    "photometric_interpretation, bits_stored, rows, columns, spacing_x_mm, spacing_y_mm, affine, "
    "presentation_intent, burned_in_annotation, padding_fraction, black_fraction, white_fraction, mean, entropy, "
    "polarity_suspect, duplicate_of, sha256"
)
METADATA_COLUMNS = PROMISED.split(", ")
FAILURE_COLUMNS = ["source", "frame", "status", "reason", "stage", "message"]
KEY = b"a secret of thirty-two bytes, so."

Rows = list[dict[str, str]]
Converts = Callable[..., Run]


def case_file(**parameters: Any) -> bytes:
    return to_bytes(build_case(**parameters)[0])


def rows_of(out: Path, table: str = "metadata") -> Rows:
    with open(out / f"{table}.csv", newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def reasons(out: Path) -> dict[tuple[str, str], str]:
    """The reason of each source and frame in the failures table."""
    return {(row["source"], row["frame"]): row["reason"] for row in rows_of(out, "failures")}


def tree(folder: Path) -> dict[str, bytes]:
    """Every file of a folder but those of the run itself, with its bytes."""
    every = (path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path.read_bytes() for path in every}
    return {name: data for name, data in named.items() if name != "run.json" and not is_private(name.split("/")[0])}


def images(out: Path) -> list[str]:
    return sorted(name for name in tree(out) if name.endswith(".png"))


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out"


@pytest.fixture
def convert(source: Path, out: Path, tmp_path: Path) -> Converts:
    """Convert `source` into `out`, or what is given; the run."""
    (tmp_path / "key").write_bytes(KEY)

    def run(sources: list[Path] | None = None, into: Path | None = None, task: str = TASK, **given: Any) -> Run:
        options = Options.of({"jobs": 1, "key_file": tmp_path / "key", **given})
        return Conversion(sources or [source], into or out, options, task).run()

    return run


def test_the_tables_have_the_promised_columns(convert: Converts, source: Path, out: Path) -> None:
    (source / "hand.dcm").write_bytes(case_file())
    convert()
    columns = (out / "metadata.csv").read_text().splitlines()[0].split(",")
    assert columns[: len(METADATA_COLUMNS)] == METADATA_COLUMNS
    assert len(set(columns)) == len(columns)
    assert (out / "failures.csv").read_text() == ",".join(FAILURE_COLUMNS) + "\n"


def test_a_row_describes_its_image_and_gives_its_sha256(convert: Converts, source: Path, out: Path) -> None:
    dataset, _ = build_case(centers=(2000,), widths=(1500,), photometric="MONOCHROME1", padding=122)
    dataset.PatientAge, dataset.PatientSex, dataset.BodyPartExamined = "093Y", "F", "HAND"
    dataset.Manufacturer, dataset.ImagerPixelSpacing = "Films & Co", ["0.1", "0.1"]
    (source / "hand.dcm").write_bytes(to_bytes(dataset))
    run = convert()
    assert (run.converted, run.failed, run.skipped, run.exit_code) == (1, 0, 0, 0)
    (row,) = rows_of(out)
    expected = {
        "file_name": "hand.png",
        "source": "hand.dcm",
        "frame": "1",
        "frames": "1",
        "status": "ok",
        "bits": "8",
        "look": "viewer",
        "voi": "window:0",
        "voi_center": "2000.0",
        "voi_width": "1500.0",
        "inverted": "true",
        "low": "1250.0",
        "high": "2749.0",
        "voi_function": "LINEAR",
        "modality": "DX",
        "body_part": "HAND",
        "patient_sex": "F",
        "patient_age": "90.0",
        "manufacturer": "Films & Co",
        "bits_stored": "12",
        "photometric_interpretation": "MONOCHROME1",
        "rows": "32",
        "columns": "48",
        "width": "48",
        "height": "32",
        "spacing_x_mm": "0.1",
        "spacing_y_mm": "0.1",
        "affine": "1.0 0.0 0.0 0.0 1.0 0.0",
        "duplicate_of": "",
        "transfer_syntax": "1.2.840.10008.1.2.1",
        "sha256": hashlib.sha256(tree(out)["hand.png"]).hexdigest(),
    }
    assert {name: row[name] for name in expected} == expected
    assert float(row["padding_fraction"]) == (build_case()[1] == 122).mean()


def test_every_sha256_is_that_of_its_file(convert: Converts, source: Path, out: Path) -> None:
    for number in range(5):
        (source / f"{number}.dcm").write_bytes(case_file(seed=number, frames=number % 2 + 1))
    convert()
    listed = {row["file_name"]: row["sha256"] for row in rows_of(out)}
    assert list(listed) == images(out)
    assert listed == {name: hashlib.sha256(tree(out)[name]).hexdigest() for name in images(out)}


def test_duplicates_point_at_the_first_of_them(convert: Converts, source: Path, out: Path) -> None:
    (source / "a.dcm").write_bytes(case_file(seed=1))
    (source / "b.dcm").write_bytes(case_file(seed=2))
    (source / "c.dcm").write_bytes(case_file(seed=1))
    (source / "d.dcm").write_bytes(case_file(seed=1, centers=(100,), widths=(200,)))
    same_pixels, _ = build_case(seed=2)
    same_pixels.SOPInstanceUID = "1.2.3.4"
    (source / "e.dcm").write_bytes(to_bytes(same_pixels))
    convert()
    found = {row["file_name"]: row["duplicate_of"] for row in rows_of(out)}
    assert found == {"a.png": "", "b.png": "", "c.png": "a.png", "d.png": "a.png", "e.png": "b.png"}


def test_every_input_is_in_exactly_one_table_with_its_reason(convert: Converts, source: Path, out: Path) -> None:
    (source / "sub").mkdir()
    (source / "hand.dcm").write_bytes(case_file())
    (source / "sub" / "cine.dcm").write_bytes(case_file(frames=2))
    (source / "link").symlink_to(source, target_is_directory=True)
    (source / "gone.dcm").symlink_to(source / "nothing")
    expected = {("link", ""): "not_a_file", ("gone.dcm", ""): "unreadable"}
    for fault in faults().values():
        (source / "sub" / fault.file_name).write_bytes(fault.content)
        expected[f"sub/{fault.file_name}", ""] = fault.reason
    run = convert()
    assert reasons(out) == expected
    assert [row["source"] for row in rows_of(out)] == ["hand.dcm", "sub/cine.dcm", "sub/cine.dcm"]
    states = [row["status"] for row in rows_of(out, "failures")]
    assert (run.converted, run.failed, run.skipped) == (3, states.count("failed"), states.count("skipped"))
    assert run.exit_code == 1
    assert all(row["message"] and row["stage"] for row in rows_of(out, "failures"))
    assert images(out) == ["hand.png", "sub/cine_f0001.png", "sub/cine_f0002.png"]


def test_a_bad_frame_is_a_row_of_its_own(convert: Converts, source: Path, out: Path) -> None:
    dataset, _ = build_case(frames=3, codestream=(12, False), content="noise")
    frames = list(generate_frames(dataset.PixelData, number_of_frames=3))
    frames[1] = frames[1][: len(frames[1]) // 4 * 2]
    dataset.PixelData = encapsulate(frames)
    (source / "cine.dcm").write_bytes(to_bytes(dataset))
    run = convert()
    assert (run.converted, run.failed) == (2, 1)
    assert images(out) == ["cine_f0001.png", "cine_f0003.png"]
    assert [frame for _, frame in reasons(out)] == ["2"]


def test_the_number_of_workers_changes_no_byte(convert: Converts, source: Path, tmp_path: Path) -> None:
    for number in range(12):
        # sizes that differ, so that two workers do not end in the order they began
        size = 16 if number % 3 else 300
        (source / f"{number:02}.dcm").write_bytes(
            case_file(seed=number % 7, rows=size, columns=size, frames=number % 2 + 1)
        )
    (source / "notes.dcm").write_bytes(b"no film")
    (source / "short.dcm").write_bytes(case_file()[:-10])
    for jobs in (1, 2):
        convert(into=tmp_path / f"out{jobs}", jobs=jobs)
    assert len(images(tmp_path / "out1")) == 18
    assert tree(tmp_path / "out1") == tree(tmp_path / "out2")


def test_an_out_within_the_source_is_no_source(convert: Converts, source: Path) -> None:
    (source / "hand.dcm").write_bytes(case_file())
    out = source / "pictures"
    for overwrite in (False, True):
        run = convert(into=out, overwrite=overwrite)
        assert (run.converted, run.skipped, run.failed) == (1, 0, 0)
    assert [row["source"] for row in rows_of(out)] == ["hand.dcm"]
    assert images(out) == ["hand.png"]


def test_sources_are_left_as_they_are(convert: Converts, source: Path) -> None:
    (source / "hand.dcm").write_bytes(case_file())
    (source / "short.dcm").write_bytes(case_file()[:-10])
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()}
    convert()
    assert {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in source.iterdir()} == before


def test_run_json_holds_options_and_no_paths(convert: Converts, source: Path, out: Path) -> None:
    (source / "hand.dcm").write_bytes(case_file())
    (source / "notes.txt").write_text("no film")
    convert(bits=16, window=(-600, 1500))
    text = (out / "run.json").read_text()
    content = json.loads(text)
    assert Options.of(content["options"]).render == Options.of({"bits": 16, "window": (-600, 1500)}).render
    assert content["counts"] == {"converted": 1, "repaired": 0, "failed": 0, "skipped": 1}
    assert {"plainfilm", "python", "pydicom", "numpy"} <= set(content["versions"])
    assert set(content["times"]) == {"started", "seconds"}
    assert content["interrupted"] is False
    assert content["key_fingerprint"] == Key(KEY).fingerprint
    assert str(source) not in text
    assert str(out) not in text
    for secret in (KEY.decode(), KEY.hex(), base64.b64encode(KEY).decode()):
        assert secret not in text


def test_the_options_in_run_json_contain_neither_overwrite_nor_paths(
    convert: Converts, source: Path, out: Path, tmp_path: Path
) -> None:
    (source / "hand.dcm").write_bytes(case_file())
    convert(overwrite=True, verbose=True, log=tmp_path / "log of Jane Doe", key_file=tmp_path / "key")
    text = (out / "run.json").read_text()
    given = json.loads(text)["options"]
    assert set(given) == {option.name for option in Options.declared() if option.is_recorded}
    assert not set(given) & {"overwrite", "prune", "dry_run", "log", "verbose", "key_file"}
    assert str(tmp_path) not in text
    again = Options.of(given).run
    assert (again.overwrite, again.log, again.verbose, again.key_file) == (False, None, False, None)


def test_hashes_depend_on_the_key_and_on_nothing_else(convert: Converts, source: Path, tmp_path: Path) -> None:
    (source / "hand.dcm").write_bytes(case_file())
    (tmp_path / "other").write_bytes(b"another secret of thirty-two bytes")
    convert(into=tmp_path / "a")
    convert(into=tmp_path / "b")
    convert(into=tmp_path / "c", key_file=tmp_path / "other")
    (one,), (same,), (other,) = (rows_of(tmp_path / name) for name in "abc")
    hashed = ("patient", "study", "series", "sop_instance")
    assert one == same
    assert all(len(one[name]) == 32 and one[name] != other[name] for name in hashed)
    assert {name for name in one if one[name] != other[name]} == set(hashed)


PLANTED = ("Plantedova", "Xenia", "PID-74199", "19610203", "ACC-88213", "20240229", "Dr. Plantek", "Clinic Plantow")


def plant(dataset: Any) -> None:
    """Put what must not come out into every place that has text."""
    dataset.PatientName, dataset.PatientID, dataset.OtherPatientIDs = "Plantedova^Xenia", "PID-74199", "PID-74199-B"
    dataset.PatientBirthDate, dataset.AccessionNumber, dataset.StudyID = "19610203", "ACC-88213", "PID-74199"
    dataset.StudyDate = dataset.SeriesDate = dataset.AcquisitionDate = dataset.ContentDate = "20240229"
    dataset.ReferringPhysicianName, dataset.InstitutionName = "Dr. Plantek", "Clinic Plantow"
    dataset.StudyDescription, dataset.ImageComments = "hand of Xenia", "Plantedova, Xenia " * 40
    dataset.PatientComments, dataset.ProtocolName = "see ACC-88213", "Dr. Plantek's hand"
    dataset.private_block(0x0099, "PLANTEDOVA", create=True).add_new(1, "LO", "Plantedova")
    dataset.file_meta.PrivateInformationCreatorUID = "1.2.3.4"
    dataset.file_meta.SourceApplicationEntityTitle = "Plantow"


def spellings(text: str) -> list[bytes]:
    plain = [text.encode(), text.encode("utf-16-le"), text.encode("utf-16-be")]
    return [*plain, base64.b64encode(text.encode())[:-4], text.encode().hex().encode()]


def test_nothing_of_the_patient_is_in_any_output(
    source: Path, out: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "key").write_bytes(KEY)
    lut = LutSpec(tuple(range(4096)), 0, 12, explanation="for Xenia")
    dataset, _ = build_case(centers=(9e5, 100), widths=(10, 20), explanations=("Dr. Plantek", "HARD"), voi_luts=(lut,))
    plant(dataset)
    planted = [str(dataset.StudyInstanceUID), str(dataset.SOPInstanceUID), *PLANTED]
    whole = to_bytes(dataset)
    (source / "film.dcm").write_bytes(whole)
    (source / "short.dcm").write_bytes(whole[:-100])
    for cut in range(200, 1200, 50):
        (source / f"header{cut}.dcm").write_bytes(whole[:cut])
    for number in range(40, len(whole) - 3100, 37):  # damage in every element
        (source / f"damaged{number}.dcm").write_bytes(whole[:number] + b"\xff\xfe" + whole[number + 2 :])
    words = ["convert", str(source), str(out), "--key-file", str(tmp_path / "key"), "--jobs", "2"]
    assert main(words) == 1
    shown = capfd.readouterr()
    everything = tree(out)
    everything |= {"run.json": (out / "run.json").read_bytes(), "stdout": shown.out.encode()}
    everything |= {"stderr": shown.err.encode()}
    everything[".plainfilm"] = (out / ".plainfilm").read_bytes()
    assert len(rows_of(out)) > 5
    assert len(rows_of(out, "failures")) > 10
    leaks = [
        (name, text)
        for name, data in everything.items()
        for text in planted
        for spelling in spellings(text)
        if spelling in data
    ]
    assert not leaks


def test_the_time_of_a_run_includes_that_of_the_listing(convert: Converts, monkeypatch: pytest.MonkeyPatch) -> None:
    def list_slowly(*arguments: Any) -> Listing:
        time.sleep(0.3)
        return Listing(*arguments)

    monkeypatch.setattr("plainfilm.conversion.conversion.Listing", list_slowly)
    assert convert().seconds >= 0.3


def test_a_path_that_names_the_patient_is_noted_in_the_summary(convert: Converts, source: Path, out: Path) -> None:
    dataset, _ = build_case()
    dataset.PatientName = "Doe^Jane"
    (source / "Doe, Jane").mkdir()
    (source / "Doe, Jane" / "1.dcm").write_bytes(to_bytes(dataset))
    (note,) = convert().notes
    assert "1 image " in note
    assert "name the patient" in note
    assert FindingCode.PATIENT_IN_PATH in rows_of(out)[0]["findings"]


def test_repairs_are_counted(convert: Converts, source: Path) -> None:
    (source / "a.dcm").write_bytes(case_file())
    (source / "b.dcm").write_bytes(case_file(centers=(1e6,), widths=(10,)))
    run = convert()
    assert (run.converted, run.repaired, run.exit_code) == (2, 1, 0)


def test_the_progress_callback_receives_every_count(source: Path, out: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    for number in range(3):
        (source / f"{number}.dcm").write_bytes(case_file(seed=number))
    (source / "notes.txt").write_text("no film")
    heard: list[RunProgress] = []
    options = Options.of({"jobs": 2, "key_file": tmp_path / "key"})
    Conversion([source], out, options).run(heard.append)
    last = heard[-1]
    assert (last.converted, last.failed, last.skipped, last.files, last.total) == (3, 0, 1, 4, 4)
    assert all(
        after.converted + after.skipped >= before.converted + before.skipped for before, after in pairwise(heard)
    )


def test_a_run_stopped_before_its_start_converts_nothing_and_reports_it(
    source: Path, out: Path, tmp_path: Path
) -> None:
    (tmp_path / "key").write_bytes(KEY)
    (source / "hand.dcm").write_bytes(case_file())
    conversion = Conversion([source], out, Options.of({"key_file": tmp_path / "key"}))
    conversion.stop()
    run = conversion.run()
    assert (run.converted, run.interrupted) == (0, True)
    assert rows_of(out) == []


def test_a_run_that_is_stopped_from_another_thread_keeps_what_is_done(
    source: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # the run is told of every image, and the worker waits for it
    monkeypatch.setattr(progress_module, "REPORT_SECONDS", 0.0)
    monkeypatch.setattr(worker_thread, "BATCHES_AHEAD", 1)
    (tmp_path / "key").write_bytes(KEY)
    for number in range(300):
        (source / f"{number:03}.dcm").write_bytes(case_file())
    conversion = Conversion([source], out, Options.of({"jobs": 1, "key_file": tmp_path / "key"}))
    stopper = threading.Thread(target=conversion.stop)

    def stop_once(status: RunProgress) -> None:
        if status.converted and stopper.ident is None:
            stopper.start()

    run = conversion.run(stop_once)
    stopper.join()
    assert run.interrupted
    assert 0 < run.converted < 300
    assert [row["file_name"] for row in rows_of(out)] == images(out)
    assert rows_of(out, "failures") == []


def test_a_run_with_an_unusable_out_does_not_start(convert: Converts, source: Path, out: Path, tmp_path: Path) -> None:
    with pytest.raises(SourceMissingError, match="does not exist"):
        convert([source / "missing"])
    with pytest.raises(OptionsError, match="OUT is one of the SOURCEs"):
        convert(into=source)
    with pytest.raises(OptionsError, match="cannot be read"):
        convert(key_file=tmp_path / "missing")
    assert not out.exists()
    out.mkdir()
    (out / "thesis.txt").write_text("years of work")
    with pytest.raises(LedgerError, match="--overwrite"):
        convert()
    assert [path.name for path in out.iterdir()] == ["thesis.txt"]


def test_an_image_whose_name_is_blocked_fails_alone(convert: Converts, source: Path, out: Path) -> None:
    (source / "cine.dcm").write_bytes(case_file(frames=3))
    (source / "b").mkdir()
    (source / "b" / "hand.dcm").write_bytes(case_file())
    (out / "cine_f0002.png").mkdir(parents=True)
    (out / "b").write_text("a file where a folder is needed")
    run = convert(overwrite=True)
    assert (run.converted, run.failed) == (2, 2)
    assert reasons(out) == {("cine.dcm", "2"): "write_failed", ("b/hand.dcm", ""): "write_failed"}
    (out / "b").unlink()
    (out / "cine_f0002.png").rmdir()
    run = convert()
    assert (run.converted, run.failed, run.exit_code) == (4, 0, 0), "what the environment did is tried again"


FAULTY = "tests.support.faulty_conversion:convert_or_fail"


def test_a_lost_worker_fails_only_its_own_instance_or_frame(
    convert: Converts, source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(HERE)
    lost = {
        ("0-segfault.dcm", ""): "worker_died",
        ("2-segfault.dcm", "2"): "worker_died",
        ("0-sleep.dcm", ""): "timeout",
        ("3-bloat.dcm", "3"): "memory_limit",
        ("2-raise.dcm", "2"): "internal_error",
        ("0-recurse.dcm", ""): "too_deep",
    }
    for name, frame in lost:
        (source / name).write_bytes(case_file(frames=3 if frame else 1, content="gradient"))
    for name in ("a.dcm", "m.dcm", "z.dcm"):
        (source / name).write_bytes(case_file())
    run = convert(task=FAULTY, jobs=2, timeout=6, memory="512MiB")
    assert reasons(out) == lost
    assert images(out) == [
        *("2-raise_f0001.png", "2-raise_f0003.png", "2-segfault_f0001.png", "2-segfault_f0003.png"),
        *("3-bloat_f0001.png", "3-bloat_f0002.png", "a.png", "m.png", "z.png"),
    ]
    assert [row["file_name"] for row in rows_of(out)] == images(out)
    assert (run.converted, run.failed, run.exit_code) == (9, 6, 1)
    assert all(row["stage"] == "run" and "patient" not in row["message"] for row in rows_of(out, "failures"))
    assert not list(out.rglob("*.tmp"))


def test_a_frame_lost_in_the_survey_affects_no_other_frame(
    convert: Converts, source: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(HERE)
    lost = {
        ("survey1-segfault.dcm", "1"): "worker_died",
        ("survey2-sleep.dcm", "2"): "timeout",
        ("survey2-bloat.dcm", "2"): "memory_limit",
        ("survey3-raise.dcm", "3"): "internal_error",
    }
    for name, _ in lost:
        (source / name).write_bytes(case_file(frames=3, content="gradient"))
    run = convert(task=FAULTY, jobs=2, timeout=6, memory="512MiB")
    assert reasons(out) == lost
    assert (run.converted, run.failed) == (8, 4)
    target = tmp_path / "alone"
    convert([source], target, task=FAULTY, jobs=1, timeout=6, memory="512MiB")
    assert tree(out) == tree(target)


def test_a_bad_frame_that_is_not_selected_is_no_failure(
    convert: Converts, source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(HERE)
    (source / "survey1-segfault.dcm").write_bytes(case_file(frames=3))
    run = convert(task=FAULTY, frames="3")
    assert (run.converted, run.failed, images(out)) == (1, 0, ["survey1-segfault_f0003.png"])


def test_every_frame_lost_in_the_survey_has_its_row(
    convert: Converts, source: Path, out: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(HERE)
    (source / "survey0-segfault.dcm").write_bytes(case_file(frames=2))
    convert(task=FAULTY)
    assert reasons(out) == {("survey0-segfault.dcm", str(frame)): "worker_died" for frame in (1, 2)}


def test_a_worker_that_dies_once_loses_no_image(
    convert: Converts, source: Path, out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(HERE)
    for name in ("0-segfault-once.dcm", "2-segfault-once.dcm"):
        (source / name).write_bytes(case_file(frames=3))
    run = convert([source / "0-segfault-once.dcm", source / "2-segfault-once.dcm"], task=FAULTY)
    assert (run.converted, run.failed) == (6, 0)
    for path in source.glob(".*.happened"):
        path.unlink()
    convert([source / "0-segfault-once.dcm", source / "2-segfault-once.dcm"], tmp_path / "undisturbed")
    assert tree(out) == tree(tmp_path / "undisturbed")


def test_a_task_that_cannot_be_loaded_ends_the_run_with_tables(convert: Converts, source: Path, out: Path) -> None:
    (source / "hand.dcm").write_bytes(case_file())
    with pytest.raises(RunError, match="cannot load its task"):
        convert(task="plainfilm.conversion.task:no_such_function")
    assert (rows_of(out), rows_of(out, "failures")) == ([], [])


def test_a_single_picture_is_not_written(source: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    options = Options.of({"key_file": tmp_path / "key"})
    (source / "cine.dcm").write_bytes(case_file(frames=3))
    single = convert_single(source / "cine.dcm", options)
    picture, frames = single.result, single.frames
    assert isinstance(picture, EncodedImage)
    assert (picture.record.frame, frames) == (1, 3)
    assert hashlib.sha256(picture.encoded).hexdigest() == picture.record.sha256
    (source / "notes.dcm").write_text("no film")
    failure = convert_single(source / "notes.dcm", options).result
    assert isinstance(failure, Failure)
    assert failure.reason == "not_dicom"
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["cine.dcm", "in", "key", "notes.dcm"]


def test_a_single_picture_of_a_folder_without_a_file_is_a_failure(source: Path, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    (source / "gone.dcm").symlink_to(source / "nothing")
    failure = convert_single(source / "gone.dcm", Options.of({"key_file": tmp_path / "key"})).result
    assert isinstance(failure, Failure)
    assert failure.reason == "unreadable"
