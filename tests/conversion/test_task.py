# SPDX-License-Identifier: MIT
"""Test the task of a worker: what it reports and writes for one file."""

from __future__ import annotations

import hashlib
import re
import struct
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from pydicom.encaps import encapsulate, generate_frames
from tests.support.cases.build import build_case, case_file, to_bytes
from tests.support.cases.faults import faults
from tests.support.oracle import oracle

from plainfilm.conversion.job import ConvertJob, EncodedImage, RunContext, StagedImage
from plainfilm.conversion.pseudonyms import Key
from plainfilm.conversion.task import convert_source
from plainfilm.errors import OutputError, Reason, RunError, Stage
from plainfilm.options.options import Options
from plainfilm.output.folder import FolderOutput
from plainfilm.records import Failure, Record, Status
from plainfilm.sources.reference import Reference
from plainfilm.workers.messages import FrameSkipped, FrameStarted, FrameSurveyed, Job, TaskNote, TaskResult

KEY = Key(b"k" * 32)
Convert = Callable[..., list[Any]]
FAULTS = faults()


@pytest.fixture
def convert(tmp_path: Path) -> Convert:
    """Convert one file's bytes into OUT, or (`out=None`) into a Picture; what was reported."""
    (tmp_path / "out").mkdir()

    def run(content: bytes, name: str = "hand.dcm", **given: Any) -> list[Any]:
        path = tmp_path / name
        path.write_bytes(content)
        out, first_frame = given.pop("out", tmp_path / "out"), given.pop("first_frame", 0)
        left_out = frozenset[int](given.pop("left_out", ()))
        reference = Reference(path, f"b/{name}", f"b/{path.stem}")
        reports: list[Any] = []
        orders = RunContext(Options.of(given), KEY, out)
        convert_source(Job(ConvertJob(reference, orders.to_bytes()), first_frame, left_out), reports.append)
        return [report for report in reports if not isinstance(report, TaskNote)]

    return run


def outcomes(reports: list[Any]) -> list[Any]:
    """What was reported: of an image its row."""
    values = [report.value for report in reports if isinstance(report, TaskResult)]
    return [value.record if isinstance(value, StagedImage) else value for value in values]


def published(reports: list[Any], out: Path) -> list[Any]:
    """What was reported, after its files have got their names."""
    values = [report.value for report in reports if isinstance(report, TaskResult)]
    names = {value.temporary_name: value.record.file_name for value in values if isinstance(value, StagedImage)}
    assert FolderOutput(out).publish(names) == {}
    return outcomes(reports)


def chunks_of(png: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The type and data of each chunk of a PNG."""
    position = 8
    while position < len(png):
        (length,) = struct.unpack_from(">I", png, position)
        yield png[position + 4 : position + 8], png[position + 8 : position + 8 + length]
        position += 12 + length


def test_a_task_reports_its_progress_and_writes_the_image(convert: Convert, tmp_path: Path) -> None:
    reports = convert(case_file(centers=(2000,), widths=(1500,)))
    assert reports[:-1] == [], "what is lost of an instance of one frame is the instance"
    assert not (tmp_path / "out" / "b").exists(), "the committer gives the file its name"
    (record,) = published(reports, tmp_path / "out")
    assert isinstance(record, Record)
    assert (record.file_name, record.source, record.status) == ("b/hand.png", "b/hand.dcm", Status.OK)
    written = (tmp_path / "out" / "b" / "hand.png").read_bytes()
    assert record.sha256 == hashlib.sha256(written).hexdigest()
    shown = cv2.imdecode(np.frombuffer(written, np.uint8), cv2.IMREAD_UNCHANGED)
    expected = oracle.render(*build_case(centers=(2000,), widths=(1500,)))
    np.testing.assert_array_equal(shown, expected.image)
    assert (record.voi, record.low, record.high) == (expected.voi, expected.low, expected.high)


@pytest.mark.parametrize("bits", [8, 16])
def test_a_png_describes_the_software_and_nothing_of_the_data_set(bits: int, convert: Convert, tmp_path: Path) -> None:
    dataset, _ = build_case(centers=(2000,), widths=(1500,), explanations=("for Erika",), photometric="MONOCHROME1")
    dataset.PatientName, dataset.Manufacturer = "Erika", "Erika's"
    published(convert(to_bytes(dataset), bits=bits), tmp_path / "out")
    chunks = list(chunks_of((tmp_path / "out" / "b" / "hand.png").read_bytes()))
    assert [kind for kind, _ in chunks if kind != b"IDAT"] == [b"IHDR", b"tEXt", b"IEND"]
    text = dict(chunks)[b"tEXt"].decode("latin-1")
    assert re.fullmatch(
        r"Software\0plainfilm [\w.]+; look viewer/1; voi window:0; low 1250\.0; high 2749\.0; inverted true; "
        r"status ok; (findings polarity_doubtful; )?not for diagnostic use",
        text,
    ), text


def test_without_an_out_the_encoded_image_is_reported(convert: Convert, tmp_path: Path) -> None:
    (picture,) = outcomes(convert(case_file(), out=None))
    assert isinstance(picture, EncodedImage)
    assert picture.record.sha256 == hashlib.sha256(picture.encoded).hexdigest()
    assert list((tmp_path / "out").iterdir()) == []


def test_frames_are_named_and_reported_one_after_another(convert: Convert, tmp_path: Path) -> None:
    reports = convert(case_file(frames=3, content="gradient"))
    assert [report for report in reports[-6:] if isinstance(report, FrameStarted)] == [
        FrameStarted(0),
        FrameStarted(1),
        FrameStarted(2),
    ]
    assert [type(report) for report in reports[-6:]] == [FrameStarted, TaskResult] * 3
    assert reports[:-6] == [FrameSurveyed(0), FrameSurveyed(1), FrameSurveyed(2)], (
        "a loss is that of the frame looked at"
    )
    records = published(reports, tmp_path / "out")
    assert [record.file_name for record in records] == [f"b/hand_f000{frame}.png" for frame in (1, 2, 3)]
    assert [(record.frame, record.frames) for record in records] == [(1, 3), (2, 3), (3, 3)]
    assert all((tmp_path / "out" / record.file_name).is_file() for record in records)


def test_a_resumed_instance_starts_at_its_first_unfinished_frame(convert: Convert) -> None:
    whole, rest = outcomes(convert(case_file(frames=3))), outcomes(convert(case_file(frames=3), first_frame=1))
    assert rest == whole[1:]
    assert outcomes(convert(case_file(frames=3), first_frame=3)) == []
    assert outcomes(convert(case_file(frames=3), first_frame=2, frames="middle")) == []


@pytest.mark.parametrize("which", ["first", "middle", "3"])
def test_only_the_chosen_frame_is_decoded_for_its_picture(which: str, convert: Convert) -> None:
    (record,) = outcomes(convert(case_file(frames=3), frames=which))
    assert record.file_name == f"b/hand_f000{ {'first': 1, 'middle': 2}.get(which, 3) }.png"


@pytest.mark.parametrize(("which", "numbers"), [("2..3", [2, 3]), ("every:2", [1, 3, 5]), ("4..9", [4, 5])])
def test_a_range_of_frames_is_converted(convert: Convert, which: str, numbers: list[int]) -> None:
    assert [record.frame for record in outcomes(convert(case_file(frames=5), frames=which))] == numbers


def test_a_resumed_job_continues_in_the_steps_of_the_choice(convert: Convert) -> None:
    reports = convert(case_file(frames=7), frames="every:3", first_frame=2)
    assert [record.frame for record in outcomes(reports)] == [4, 7]


def test_a_projection_gives_one_image_without_a_frame_number(convert: Convert) -> None:
    (record,) = outcomes(convert(case_file(frames=3), frames="mip"))
    assert (record.file_name, record.frame, record.frames) == ("b/hand_mip.png", None, 3)
    assert outcomes(convert(case_file(frames=3), frames="mip", first_frame=1)) == [], "the image is there"


def test_an_instance_of_one_frame_has_no_projection(convert: Convert) -> None:
    (record,) = outcomes(convert(case_file(), frames="mean"))
    assert (record.file_name, record.frame) == ("b/hand.png", 1)


def test_a_projection_that_lacks_a_frame_fails_as_a_whole(convert: Convert) -> None:
    dataset, _ = build_case(frames=3, codestream=(12, None))
    frames = list(generate_frames(dataset.PixelData, number_of_frames=3))
    dataset.PixelData = encapsulate([frames[0], frames[1][:-40], frames[2]])
    (failure,) = outcomes(convert(to_bytes(dataset), frames="mean"))
    assert failure.frame is None
    assert failure.message.startswith("frame 2 of the mean: ")


def test_a_projection_whose_worker_was_lost_reports_the_frame(convert: Convert) -> None:
    assert convert(case_file(frames=3), frames="mip", left_out=(1,)) == [FrameSkipped(1)]


def test_a_frame_that_is_not_there_leaves_the_instance_out(convert: Convert) -> None:
    (failure,) = outcomes(convert(case_file(frames=3), frames=4))
    assert (failure.status, failure.reason, failure.frame) == (Status.SKIPPED, Reason.EXCLUDED, None)


@pytest.mark.parametrize("name", FAULTS)
def test_a_file_that_gives_no_image_is_one_row_with_its_reason(name: str, convert: Convert, tmp_path: Path) -> None:
    fault = FAULTS[name]
    (failure,) = outcomes(convert(fault.content, fault.file_name))
    assert isinstance(failure, Failure)
    assert (failure.status, failure.reason) == (fault.status, fault.reason), failure.message
    assert (failure.source, failure.frame) == (f"b/{fault.file_name}", None)
    assert failure.stage in (Stage.READ, Stage.DECODE)
    assert all(text in failure.message for text in fault.said), failure.message
    assert "SYNTHETIC" not in failure.message
    assert list((tmp_path / "out").iterdir()) == []


def test_an_image_cut_short_anywhere_is_one_failure_and_no_image(convert: Convert) -> None:
    whole = case_file(slope=2, intercept=-100, centers=(200,), widths=(100,), rows=8, columns=8)
    reasons = set()
    for length in range(0, len(whole), 3):
        (failure,) = outcomes(convert(whole[:length]))
        assert isinstance(failure, Failure), f"{length} of {len(whole)} bytes gave a picture"
        assert failure.status is Status.FAILED, "it is named as DICOM"
        reasons.add(failure.reason)
    # a file that ends between two elements has merely no Pixel Data
    assert reasons == {
        Reason.EMPTY,
        Reason.NOT_DICOM,
        Reason.TRUNCATED_FILE,
        Reason.MISSING_ATTRIBUTE,
        Reason.TRUNCATED_PIXEL_DATA,
    }


@pytest.mark.parametrize("says_signed", [False, None], ids=["JPEG 2000", "JPEG Lossless"])
def test_a_codestream_cut_short_anywhere_is_no_image(says_signed: bool | None, convert: Convert) -> None:
    whole = case_file(codestream=(12, says_signed), content="noise")
    start = whole.index(b"\xff\x4f\xff\x51" if says_signed is False else b"\xff\xd8\xff")
    for length in range(start, len(whole) - 12, 41):
        (failure,) = outcomes(convert(whole[:length]))
        assert isinstance(failure, Failure), f"{length} of {len(whole)} bytes gave a picture"
        assert failure.reason in (Reason.TRUNCATED_PIXEL_DATA, Reason.CORRUPT_CODESTREAM)


def test_a_bad_frame_fails_alone(convert: Convert) -> None:
    dataset, _ = build_case(frames=3, codestream=(12, False), content="noise")
    frames = list(generate_frames(dataset.PixelData, number_of_frames=3))
    frames[1] = frames[1][: len(frames[1]) // 4 * 2]
    dataset.PixelData = encapsulate(frames)
    first, second, third = outcomes(convert(to_bytes(dataset)))
    assert [first.file_name, third.file_name] == ["b/hand_f0001.png", "b/hand_f0003.png"]
    assert isinstance(second, Failure)
    assert (second.frame, second.status, second.stage) == (2, Status.FAILED, Stage.DECODE)
    assert second.reason in (Reason.CORRUPT_CODESTREAM, Reason.TRUNCATED_PIXEL_DATA)


def test_an_instance_without_any_good_frame_is_one_row(convert: Convert) -> None:
    dataset, _ = build_case(frames=3, codestream=(12, False))
    dataset.PixelData = encapsulate([b"no codestream at all"] * 3)
    (failure,) = outcomes(convert(to_bytes(dataset)))
    assert (failure.frame, failure.reason) == (None, Reason.CORRUPT_CODESTREAM)


def test_a_source_that_has_gone_is_unreadable(tmp_path: Path) -> None:
    reports: list[Any] = []
    reference = Reference(tmp_path / "gone.dcm", "gone.dcm", "gone")
    convert_source(Job(ConvertJob(reference, RunContext(Options(), KEY, tmp_path).to_bytes())), reports.append)
    (failure,) = outcomes(reports)
    assert (failure.reason, failure.status) == (Reason.UNREADABLE, Status.FAILED)
    assert str(tmp_path) not in failure.message


def test_a_picture_that_cannot_be_staged_names_its_frame(convert: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    stage, numbers = FolderOutput.stage, iter(range(3))

    def refuse_the_second(sink: FolderOutput, chunks: Iterable[bytes]) -> str:
        if next(numbers) == 1:
            raise OutputError("the image could not be written: permission denied")
        return stage(sink, chunks)

    monkeypatch.setattr(FolderOutput, "stage", refuse_the_second)
    first, second, third = outcomes(convert(case_file(frames=3)))
    assert [first.frame, third.frame] == [1, 3]
    assert isinstance(second, Failure)
    assert (second.frame, second.reason, second.stage) == (2, Reason.WRITE_FAILED, Stage.WRITE)


def test_errors_that_end_the_run_are_raised(convert: Convert, monkeypatch: pytest.MonkeyPatch) -> None:
    def break_down(*_: object) -> str:
        raise RunError("the storage fails")

    monkeypatch.setattr(FolderOutput, "stage", break_down)
    with pytest.raises(RunError, match="the storage fails"):
        convert(case_file())


def test_tracebacks_are_reported_on_request(convert: Convert) -> None:
    (quiet,) = [report for report in convert(b"DICM, but not where it should be") if isinstance(report, TaskResult)]
    (verbose,) = [report for report in convert(b"no film", verbose=True) if isinstance(report, TaskResult)]
    assert quiet.traceback == ""
    assert "NotDicomError" in verbose.traceback


@pytest.mark.parametrize(("strict", "result"), [(False, Record), (True, Failure)])
def test_strict_refuses_a_repair(strict: bool, result: type, convert: Convert) -> None:
    (outcome,) = outcomes(convert(case_file(centers=(1e6,), widths=(10,)), strict=strict))
    assert type(outcome) is result
    if isinstance(outcome, Failure):
        assert (outcome.reason, outcome.stage) == (Reason.REPAIR_REFUSED, Stage.RENDER)


def test_sixteen_bits_of_more_stored_are_not_written_as_stored(convert: Convert) -> None:
    (failure,) = outcomes(convert(case_file(bits_allocated=32, bits_stored=32), look="stored"))
    assert failure.reason is Reason.ENCODE_UNSUPPORTED


def test_the_limit_of_pixels_is_enforced(convert: Convert) -> None:
    (failure,) = outcomes(convert(case_file(rows=32, columns=48), max_pixels=32 * 48 - 1))
    assert failure.reason is Reason.TOO_LARGE
    assert isinstance(outcomes(convert(case_file(rows=32, columns=48), max_pixels=32 * 48))[0], Record)


def test_identities_are_keyed_hashes(convert: Convert) -> None:
    dataset, _ = build_case()
    dataset.PatientID, dataset.IssuerOfPatientID = "4711", "CLINIC"
    (record,) = outcomes(convert(to_bytes(dataset)))
    assert record.patient == KEY.pseudonym("patient", "id", "CLINIC", "4711")
    assert record.sop_instance == KEY.pseudonym("sop_instance", str(dataset.SOPInstanceUID))
    assert record.study == KEY.pseudonym("study", str(dataset.StudyInstanceUID))
    assert record.series == KEY.pseudonym("series", str(dataset.SeriesInstanceUID))


def test_a_path_that_names_the_patient_is_a_finding(convert: Convert) -> None:
    dataset, _ = build_case()
    dataset.PatientName = "Doe^Jane"
    (named,) = outcomes(convert(to_bytes(dataset), "Jane_Doe.dcm"))
    (unnamed,) = outcomes(convert(to_bytes(dataset), "hand.dcm"))
    assert "patient_in_path" in named.findings.split(";")
    assert "patient_in_path" not in unnamed.findings
